/** `dct serve hosts` and `dct serve self-test` as they are typed. With real engines: test/engines/hosts-forms.test.ts, hosts-location.test.ts. */
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { runProgram } from './program.js'

let folder: string
let file: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dct-hosts-'))
  file = join(folder, 'certs.d', 'registry.example', 'hosts.toml')
})
afterEach(() => rm(folder, { recursive: true }))

const REGISTRY = ['--registry', 'registry.example']
const hosts = (words: readonly string[], typed?: string, engine = 'containerd') =>
  runProgram(['serve', 'hosts', '--engine', engine, '--out', folder, ...REGISTRY, ...words], {
    ...(typed === undefined ? {} : { stdin: typed, typed: true, terminal: true }),
  })
const existing = async (path: string, text: string) => {
  await mkdir(join(path, '..'), { recursive: true })
  await writeFile(path, text)
}

describe('dct serve hosts', () => {
  test('shows the changes, writes the files and prints their names; a second run changes nothing', async () => {
    const { status, out, err } = await hosts([])
    expect([status, out.trim().split('\n')]).toEqual([0, [file, join(folder, 'certs.d', 'registry.example_443_', 'hosts.toml')]])
    expect(err).toContain('+server = "https://127.0.0.1:8443"')
    expect(err).toContain(
      `dct serve self-test --engine containerd --out ${folder} --resolver https://127.0.0.1:8443 --unsigned registry.example/`,
    )
    expect(await hosts(['--quiet'])).toEqual({ status: 0, out: '', err: '' })
    expect(await readdir(join(folder, 'certs.d', 'registry.example'))).toEqual(['hosts.toml'])
  })

  test('with --diff writes nothing', async () => {
    const { status, out } = await hosts(['--diff'])
    expect([status, out]).toEqual([0, expect.stringContaining('+server = "https://127.0.0.1:8443"')])
    expect(await readdir(folder)).toEqual([])
  })

  test.each(['no\n', 'y\n', ''])('on a terminal writes nothing when the answer is %j', async (answer) => {
    const { status, err } = await hosts([], answer)
    expect([status, err]).toEqual([2, expect.stringContaining('dct: Write these 2 files? (yes/no) ')])
    expect(await readdir(folder)).toEqual([])
  })

  test('keeps a file that dct did not write, unless the answer is yes or with --force', async () => {
    await existing(file, 'server = "https://registry.example"\n')
    const kept = await hosts([])
    expect(kept).toMatchObject({ status: 2, out: '' })
    expect(kept.err).toContain('-server = "https://registry.example"')
    expect(kept.err).toContain('dct serve hosts --force')
    expect(await readFile(file, 'utf8')).toBe('server = "https://registry.example"\n')
    expect(await hosts([], 'yes\n')).toMatchObject({ status: 0, err: expect.stringContaining(`${file} was not written by dct.`) })
    expect(await readFile(file, 'utf8')).toContain('server = "https://127.0.0.1:8443"')
    await existing(file, 'mine')
    expect(await hosts(['--force'])).toMatchObject({ status: 0 })
  })

  test('replaces its own file when the address changes, without --force', async () => {
    await hosts([])
    expect(await hosts(['--resolver', 'https://localhost:9443'])).toMatchObject({ status: 0 })
    expect(await readFile(file, 'utf8')).toContain('server = "https://localhost:9443"')
  })

  test('refuses to write through a link', async () => {
    await existing(join(folder, 'target'), '# Written by: dct serve hosts\n')
    await mkdir(join(file, '..'), { recursive: true })
    await symlink(join(folder, 'target'), file)
    expect(await hosts(['--force'])).toMatchObject({ status: 2, err: expect.stringContaining('symbolic link') })
  })

  test('tells of certificates and files that the engine stops to read', async () => {
    const port = ['--registry', 'registry.example:5000']
    const certificate = join(folder, 'certs.d', 'registry.example:5000', 'ca.crt')
    await existing(certificate, 'x')
    const { err } = await hosts(port, undefined, 'docker')
    expect(err).toContain(`does not read ${join(folder, 'certs.d', 'registry.example:5000')} any more`)
    expect(err).toContain(`add: --registry-ca ${certificate}`)
  })

  test('puts the CA of dct serve where podman looks for it', async () => {
    const ca = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'
    await writeFile(join(folder, 'ca.pem'), ca)
    expect(await hosts(['--resolver-ca', join(folder, 'ca.pem')], undefined, 'podman')).toMatchObject({ status: 0 })
    expect(await readFile(join(folder, 'certs.d', '127.0.0.1:8443', 'dct-serve.crt'), 'utf8')).toBe(ca)
  })

  test.each([
    [
      'an entry for a part of the registry',
      'registries.conf',
      '[[registry]]\nprefix = "registry.example/team"\nlocation = "x.example"\n',
    ],
    ['a wildcard', 'registries.conf.d/a.conf', '[[registry]]\nprefix = "*.example"\nlocation = "x.example"\n'],
    ['a file that is read later', 'registries.conf.d/zzz.conf', '[[registry]]\nlocation = "registry.example"\n'],
    ['a file that is not TOML', 'registries.conf', '[[registry'],
    ['entries without a name', 'registries.conf', '[[registry]]\n'],
  ])('refuses %s, which would win over its own', async (_, name, text) => {
    await existing(join(folder, name), text)
    const { status, err } = await hosts(['--force'], undefined, 'crio')
    expect([status, err]).toEqual([2, expect.stringContaining(join(folder, name))])
    expect(await readdir(folder)).toEqual([name.split('/')[0]])
  })

  test.each([
    [['--engine', 'nerdctl'], 'dct serve hosts --engine containerd'],
    [['--resolver', 'http://127.0.0.1:8443'], '--resolver https://127.0.0.1:8443'],
    [['--resolver', 'https://127.0.0.1:8443/v2'], '--resolver https://127.0.0.1:8443'],
    [['--registry', 'Registry.example'], '--registry docker.io'],
    [['--registry', 'index.docker.io'], '--registry docker.io'],
    [['--registry', 'registry.example/team'], '--registry docker.io'],
    [['--resolver-ca', '/no/such/file'], 'there is no such file'],
    [['--registry-ca', 'package.json'], 'no certificate in PEM'],
  ])('refuses %j with what to type', async (words, hint) => {
    const { status, err } = await hosts(words)
    expect([status, err]).toEqual([2, expect.stringContaining(hint)])
    expect(await readdir(folder)).toEqual([])
  })
})

describe('dct serve self-test', () => {
  /** Puts a program in the place of an engine's client. */
  const client = async (name: string, script: string) => {
    await mkdir(join(folder, 'bin'), { recursive: true })
    await writeFile(join(folder, 'bin', name), `#!/bin/sh\necho "$@" >> '${folder}/calls'\n${script}\n`)
    await chmod(join(folder, 'bin', name), 0o755)
  }
  const selfTest = (engine: string, ...more: string[]) =>
    runProgram(
      ['serve', 'self-test', '--engine', engine, '--out', folder, '--unsigned', 'registry.example/app:unsigned', ...more],
      {
        env: { PATH: `${folder}/bin:/usr/bin:/bin` },
      },
    )
  const calls = async () => (await readFile(join(folder, 'calls'), 'utf8')).trim().split('\n')

  const REFUSALS: readonly (readonly [string, string, string])[] = [
    ['containerd', 'ctr', 'pulling from host 127.0.0.1:8443 failed with status code [manifests unsigned]: 403 Forbidden'],
    [
      'docker',
      'docker',
      'failed to resolve reference "x": unexpected status from HEAD request to https://127.0.0.1:8443/v2/app/manifests/unsigned?ns=registry.example: 403 Forbidden',
    ],
    ['podman', 'podman', 'reading manifest unsigned in 127.0.0.1:8443/registry.example/app: denied: No valid trust data'],
    ['crio', 'crictl', 'reading manifest unsigned in 127.0.0.1:8443/registry.example/app: denied: No valid trust data'],
  ]
  test.each(REFUSALS)('%s: a refusal of dct serve is 0, the same one of another host is 5', async (engine, name, text) => {
    await hosts([], undefined, engine)
    const refuse = (words: string) => client(name, `case "$*" in *" pull "*|"pull "*) echo '${words}' >&2;; esac; exit 1`)
    await refuse(text)
    const refused = await selfTest(engine)
    expect(refused).toMatchObject({ status: 0, out: `${name}: registry.example/app:unsigned is refused\n` })
    expect(refused.err).toContain('images by digest')
    for (const other of ['registry.example', '127.0.0.1:84430', '1127.0.0.1:8443']) {
      await refuse(text.replaceAll('127.0.0.1:8443', other))
      expect(await selfTest(engine)).toMatchObject({ status: 5, out: '' })
    }
  })

  test('files with a way round are 1, though the engine refuses now', async () => {
    const [, , text = ''] = REFUSALS[0] ?? []
    await existing(
      file,
      'server = "https://registry.example"\n[host."https://127.0.0.1:8443"]\ncapabilities = ["pull", "resolve"]\n',
    )
    await client('ctr', `echo '${text}' >&2; exit 1`)
    const { status, err } = await selfTest('containerd')
    expect([status, err]).toEqual([1, expect.stringContaining(`${file}: server is https://registry.example`)])
  })

  test('an image that is pulled is 1, and is removed; a removal that fails is told', async () => {
    await hosts([], undefined, 'docker')
    await client('docker', 'echo io.containerd.snapshotter.v1; [ "$2" != inspect ]')
    expect(await selfTest('docker')).toMatchObject({ status: 1, err: expect.stringContaining('docker pulled registry.example') })
    expect(await calls()).toContain('image rm registry.example/app:unsigned')
    await client('docker', '[ "$1" = pull ]')
    expect((await selfTest('docker')).err).toContain('remove it: docker image rm registry.example/app:unsigned')
  })

  test('a Docker Engine with the old image store is 1, and nothing is pulled', async () => {
    await hosts([], undefined, 'docker')
    await client('docker', `echo '[["Backing Filesystem","extfs"]]'`)
    expect(await selfTest('docker')).toMatchObject({ status: 1, err: expect.stringContaining('the old image store') })
    expect(await calls()).toEqual(['info --format {{json .DriverStatus}}'])
  })

  test('an image that the engine has already is neither pulled nor removed', async () => {
    await hosts([], undefined, 'podman')
    await client('podman', 'exit 0')
    expect(await selfTest('podman')).toMatchObject({ status: 5, err: expect.stringContaining('has the image already') })
    expect(await calls()).toEqual(['image inspect --format {{.Id}} registry.example/app:unsigned'])
  })

  test('where crictl is installed, Kubernetes is tried too', async () => {
    await hosts([])
    const [, , text = ''] = REFUSALS[0] ?? []
    await client('ctr', `echo '${text}' >&2; exit 1`)
    await client('crictl', '[ "$1" != inspecti ]')
    const { status, out, err } = await selfTest('containerd')
    expect([status, out]).toEqual([1, 'ctr: registry.example/app:unsigned is refused\n'])
    expect(err).toContain('containerd config dump | grep config_path')
  })

  test('--signed must be pulled', async () => {
    await hosts([])
    const [, , text = ''] = REFUSALS[0] ?? []
    const ctr = (signed: string) => client('ctr', `case "$*" in *unsigned*) echo '${text}' >&2; exit 1;; esac; ${signed}`)
    await ctr('exit 0')
    const signed = ['--signed', 'registry.example/app:1.0']
    expect(await selfTest('containerd', ...signed)).toMatchObject({
      status: 0,
      out: expect.stringContaining('app:1.0 is pulled'),
    })
    await ctr(`echo '${text}' >&2; exit 1`)
    expect(await selfTest('containerd', ...signed)).toMatchObject({
      status: 5,
      err: expect.stringContaining('dct serve refuses it'),
    })
  })

  test('without the engine, or without files, it says so', async () => {
    await client('ctr', 'exit 1')
    expect(await selfTest('containerd')).toMatchObject({
      status: 1,
      err: expect.stringContaining(`${file}: there is no such file`),
    })
    await hosts([], undefined, 'podman')
    expect(await selfTest('podman')).toMatchObject({ status: 5, err: expect.stringContaining('there is no such program') })
  })

  test('refuses a digest and a missing reference', async () => {
    const digest = `registry.example/app@sha256:${'0'.repeat(64)}`
    expect(await selfTest('podman', '--unsigned', digest)).toMatchObject({
      status: 2,
      err: expect.stringContaining('Name a tag'),
    })
    expect(await runProgram(['serve', 'self-test', '--engine', 'podman'])).toMatchObject({ status: 2 })
  })
})
