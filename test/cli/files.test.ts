/** `dct verify -f`, `dct pin` and `dct build-policy` against the kit's trust server, and what hostile files and folders do to them. */
import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createTrustCollection, startTrustServer, type TestTrustServer } from '../../src/testing/index.js'
import { type Ran, runProgram, type World } from './program.js'

const NOW = new Date('2026-03-01T00:00:00Z')
const APP = 'registry.example/team/app'
const D = { one: '', two: '', other: '' }
const NEVER = `sha256:${'a'.repeat(64)}`

let server: TestTrustServer
let folder: string

beforeAll(async () => {
  const app = createTrustCollection(APP, { now: NOW })
  D.one = app.sign('1.0', 'one')
  D.two = app.sign('2.0', 'two')
  const other = createTrustCollection('registry.example/team/other', { now: NOW })
  D.other = other.sign('latest', 'other')
  for (const one of [app, other]) one.publish()
  server = await startTrustServer({ collections: [app, other] })
})
afterAll(() => server.close())
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dct-files-'))
  await mkdir(join(folder, 'home'))
  await writeFile(join(folder, 'home', 'ca.crt'), server.ca)
})
afterEach(() => rm(folder, { recursive: true }))

const at = (name: string) => join(folder, name)

async function put(name: string, text: string): Promise<string> {
  await mkdir(join(at(name), '..'), { recursive: true })
  await writeFile(at(name), text)
  return at(name)
}

function dct(command: string, argv: readonly string[], world: World = {}, url: string = server.url): Promise<Ran> {
  const common = ['--server', url, '--tlscacert', at('home/ca.crt'), '--config', at('home')]
  return runProgram([command, ...common, ...argv], { now: NOW, ...world })
}

describe('dct verify -f', () => {
  test('prints the canonical reference of every image, in the order of the file', async () => {
    const path = await put('Dockerfile', `FROM ${APP}:1.0 AS build\nFROM ${APP}:2.0\nCOPY --from=build /a /a\n`)
    expect(await dct('verify', ['-q', '-f', path])).toEqual({ status: 0, out: `${APP}@${D.one}\n${APP}@${D.two}\n`, err: '' })
  })

  test('an image that is not signed fails at its place; one that the file does not name too', async () => {
    const path = await put('Dockerfile', `ARG V\nFROM ${APP}:1.0 AS a\nFROM ${APP}:9\nFROM ${APP}:$V\n`)
    const { status, out, err } = await dct('verify', ['-f', path])
    expect({ status, out }).toEqual({ status: 3, out: `${APP}@${D.one}\n` })
    expect(err).toContain(`dct: error: ${path}:3:6: ${APP}:9: No valid trust data for 9 (ERR_TAG_NOT_SIGNED)\n`)
    expect(err).toMatch(/Dockerfile:4:6: .*\(ERR_IMAGE_UNRESOLVED\)/)
    expect((await dct('verify', ['-f', path, '--build-arg', 'V=2.0'])).out).toBe(`${APP}@${D.one}\n${APP}@${D.two}\n`)
  })

  test('a folder: the files of known kinds, without .git and node_modules; what was skipped is said', async () => {
    await put('src/Dockerfile', `FROM ${APP}:1.0\n`)
    await put('src/deploy/pod.yaml', `apiVersion: v1\nkind: Pod\nspec:\n  containers:\n    - {name: a, image: ${APP}:2.0}\n`)
    await put('src/deploy/values.yaml', 'image: {tag: x}\n')
    await put('src/tsconfig.json', '{ "a": "b" // a comment\n}\n')
    await put('src/.devcontainer/devcontainer.json', '{"image": "evil:1"}\n')
    await put('src/node_modules/x/Dockerfile', 'FROM evil:1\n')
    await put('src/compose.yaml', `services:\n  a:\n    image: ${APP}:1.0 # dct:ignore\n`)
    const { status, out, err } = await dct('verify', ['-f', at('src')])
    expect({ status, out }).toEqual({ status: 0, out: `${APP}@${D.one}\n${APP}@${D.two}\n` })
    expect(err).toContain(`dct: ${at('src/node_modules')}: skipped: a folder of this name is not searched\n`)
    expect(err).toContain(`dct: ${at('src/compose.yaml')}:3:12: skipped: a comment dct:ignore takes it out\n`)
    expect(err).toContain('tsconfig.json: skipped: neither JSON nor YAML')
    expect(err).toContain('devcontainer.json: skipped: devcontainer files are not read')
  })

  test('a manifest that cannot be read fails the folder with status 2, since it may hide an image', async () => {
    await put('src/Dockerfile', `FROM ${APP}:1.0\n`)
    await put('src/deploy.yaml', 'a: [\n')
    const { status, err } = await dct('verify', ['-f', at('src')])
    expect(status).toBe(2)
    expect(err).toMatch(/deploy\.yaml:\d+:\d+: /)
  })

  test('standard input, and files beside words', async () => {
    const pod = `apiVersion: v1\nkind: Pod\nspec:\n  containers:\n    - {name: a, image: ${APP}:2.0}\n`
    expect((await dct('verify', ['-f', '-'], { stdin: pod })).out).toBe(`${APP}@${D.two}\n`)
    const both = await dct('verify', ['-f', at('a.yaml'), 'b.yaml'])
    expect(both).toMatchObject({
      status: 2,
      out: '',
      err: expect.stringContaining('takes --file or REFERENCE, got "b.yaml" too'),
    })
  })

  test('reports of references, without a place; on standard output a report takes the place of the answers', async () => {
    const stdin = `${APP}:1.0\n${APP}:9 # not signed\n`
    const ran = await dct('verify', ['-o', 'text', '-o', `junit=${at('dct.xml')}`, '-'], { stdin })
    expect(ran).toMatchObject({
      status: 3,
      out: `verified ${APP}:1.0 (${APP}@${D.one})\nfailed ${APP}:9 (ERR_TAG_NOT_SIGNED: No valid trust data for 9)\n`,
    })
    const xml = await readFile(at('dct.xml'), 'utf8')
    expect(xml).toContain('tests="2" failures="1"')
    expect(xml).toContain(`<testcase classname="dct" name="${APP}:1.0"/>`)
    const json = await dct('verify', ['-o', `json=${at('dct.json')}`, '--json', `${APP}:1.0`])
    expect(JSON.parse(json.out)).toMatchObject({ status: 'trusted', digest: D.one })
    expect(JSON.parse(await readFile(at('dct.json'), 'utf8'))).toEqual({
      version: 1,
      findings: [{ image: `${APP}:1.0`, status: 'verified', canonicalReference: `${APP}@${D.one}` }],
    })
  })

  test('where a report takes the place of --json, warnings are lines again', async () => {
    const file = await put('Dockerfile', `FROM ${APP}:1.0\n`)
    for (const words of [['-f', file], [`${APP}:1.0`]]) {
      await rm(at('home/trust'), { recursive: true, force: true })
      expect((await dct('verify', [...words, '--json', '-o', 'text'])).err, words[0]).toContain('never verified here before')
    }
  })

  test('a report of references says what was not verified', async () => {
    const off = await dct('verify', ['-o', 'text', `${APP}:1.0`], { env: { DOCKER_CONTENT_TRUST: '0' } })
    expect(off).toMatchObject({ status: 0, out: `unverified ${APP}:1.0 (content trust is switched off)\n` })
  })

  test('a file in place of a reference: what to type instead', async () => {
    const list = await put('images.txt', `${APP}:1.0\n`)
    const pod = await put('pod.yaml', 'kind: Pod\n')
    for (const typed of [list, `@${list}`]) expect((await dct('verify', [typed])).err).toContain(`dct verify - < ${list}\n`)
    for (const typed of [pod, at('home')]) expect((await dct('verify', [typed])).err).toContain(`dct verify --file ${typed}\n`)
    expect((await dct('verify', ['-f', list])).err).toContain('dct verify - < FILE')
    expect((await dct('pin', [`${APP}:1.0`])).err).toContain(`dct verify ${APP}:1.0\n`)
    expect((await dct('pin', ['no/such/file'])).err).toContain('ls -l no/such/file\n')
  })

  test('a missing file in many folders is told at once, and is no image', async () => {
    // An expression that backtracks takes seconds for thirty folders, and twice as long for each further one.
    const path = `${'a/'.repeat(30)}b`
    const start = performance.now()
    expect((await dct('pin', [path])).err).toContain(`ls -l ${path}\n`)
    expect(performance.now() - start).toBeLessThan(2_000)
    const image = `registry.example:5000/${'a/'.repeat(20)}b`
    for (const typed of [`${image}:1.0`, `${image}@sha256:${'0'.repeat(64)}`])
      expect((await dct('pin', [typed])).err).toContain(`dct verify ${typed}\n`)
  })

  test('a report as sarif goes with --file, and is refused before anything is asked', async () => {
    const { status, err } = await dct('verify', ['-o', 'sarif', `${APP}:1.0`], {}, 'https://localhost:1')
    expect(status).toBe(2)
    expect(err).toContain('goes with --file')
  })

  test('the frontend is an image too, unless --frontend says otherwise', async () => {
    const path = await put('Dockerfile', `# syntax=docker/dockerfile:1\nFROM ${APP}:1.0\n`)
    expect(await dct('verify', ['-f', path])).toMatchObject({ status: 3 })
    expect(await dct('verify', ['-f', path, '--frontend', 'allow'])).toMatchObject({ status: 0, out: `${APP}@${D.one}\n` })
    expect((await dct('verify', ['-f', path, '--frontend', 'deny'])).err).toContain('frontends are refused')
  })

  test('switched off, nothing is verified, and it is said', async () => {
    const path = await put('Dockerfile', `FROM ${APP}:1.0\n`)
    const ran = await dct('verify', ['-f', path, '-o', 'text'], { env: { DOCKER_CONTENT_TRUST: '0' } })
    expect(ran).toMatchObject({ status: 0, out: `${path}:1:6: unverified ${APP}:1.0 (content trust is switched off)\n` })
    expect(ran.err).toContain('was not verified')
  })

  test('reports: text, JSON, JUnit and SARIF at once, with real places', async () => {
    const path = await put('a<&>"b/Dockerfile', `FROM ${APP}:1.0\nFROM ${APP}:9\n`)
    const outputs = ['-o', 'json', '-o', `sarif=${at('x.sarif')}`, '-o', `junit=${at('x.xml')}`, '-o', `text=${at('x.txt')}`]
    const { status, out } = await dct('verify', ['-f', path, ...outputs])
    expect(status).toBe(3)
    expect(JSON.parse(out)).toMatchObject({
      findings: [
        { file: path, line: 1, column: 6, image: `${APP}:1.0`, status: 'verified', canonicalReference: `${APP}@${D.one}` },
        { line: 2, column: 6, image: `${APP}:9`, status: 'failed', error: { code: 'ERR_TAG_NOT_SIGNED' } },
      ],
    })
    const [run] = JSON.parse(await readFile(at('x.sarif'), 'utf8')).runs
    expect(run.tool.driver.rules.map(({ id }: { id: string }) => id)).toEqual(['ERR_TAG_NOT_SIGNED'])
    expect(run.results).toMatchObject([{ ruleId: 'ERR_TAG_NOT_SIGNED', ruleIndex: 0 }])
    const { artifactLocation, region } = run.results[0].locations[0].physicalLocation
    expect(decodeURIComponent(new URL(artifactLocation.uri).pathname)).toBe(path)
    expect(region).toEqual({ startLine: 2, startColumn: 6, endLine: 2, endColumn: 6 + `${APP}:9`.length })
    const junit = await readFile(at('x.xml'), 'utf8')
    expect(junit).toContain('tests="2" failures="1" errors="0" skipped="0"')
    expect(junit).toContain('a&lt;&amp;&gt;&quot;b/Dockerfile')
    expect(await readFile(at('x.txt'), 'utf8')).toMatch(/:2:6: failed .*ERR_TAG_NOT_SIGNED/)
  })

  test('two reports to one place, and unknown forms, are usage errors before anything is read', async () => {
    for (const typed of [
      ['-o', 'json', '-o', 'text'],
      ['-o', 'html'],
      ['-o', 'json='],
    ])
      expect(await dct('verify', ['-f', 'missing', ...typed])).toMatchObject({ status: 2, out: '' })
  })
})

describe('dct pin', () => {
  test('writes the digests and nothing else: BOM, CRLF, comments and mode stay; the second run changes nothing', async () => {
    const before = `\ufeff# base\r\nFROM ${APP}:1.0 AS b\r\n\r\nFROM registry.example/team/other\r\n`
    const path = await put('Dockerfile', before)
    await chmod(path, 0o640)
    expect(await dct('pin', [path])).toMatchObject({ status: 0, out: `${path}\n` })
    const pinned = before.replace(':1.0', `:1.0@${D.one}`).replace('team/other', `team/other:latest@${D.other}`)
    expect(await readFile(path, 'utf8')).toBe(pinned)
    expect((await lstat(path)).mode & 0o777).toBe(0o640)
    expect(await readdir(folder)).toEqual(['Dockerfile', 'home'])
    expect(await dct('pin', [path])).toMatchObject({ status: 0, out: '' })
    expect(await dct('pin', ['--check', path])).toMatchObject({ status: 0, out: '' })
  })

  test('DOCKER_CONTENT_TRUST=0 does not turn it off', async () => {
    const path = await put('Dockerfile', `FROM ${APP}:9\n`)
    expect(await dct('pin', [path], { env: { DOCKER_CONTENT_TRUST: '0' } })).toMatchObject({ status: 3, out: '' })
  })

  test('a file is not changed when one of its images fails; --partial writes the others; other files go on', async () => {
    const text = `FROM ${APP}:1.0 AS a\nFROM ${APP}:9\n`
    const [bad, good] = [await put('a/Dockerfile', text), await put('b/Dockerfile', `FROM ${APP}:2.0\n`)]
    expect(await dct('pin', [bad, good])).toMatchObject({ status: 3, out: `${good}\n` })
    expect(await readFile(bad, 'utf8')).toBe(text)
    expect(await dct('pin', ['--partial', bad])).toMatchObject({ status: 3, out: `${bad}\n` })
    expect(await readFile(bad, 'utf8')).toBe(text.replace(':1.0', `:1.0@${D.one}`))
  })

  test('--diff prints a unified diff and writes nothing', async () => {
    const text = `FROM ${APP}:1.0`
    const path = await put('Dockerfile', text)
    const { status, out } = await dct('pin', ['--diff', path])
    expect(status).toBe(0)
    expect(out).toContain(`@@ -1,1 +1,1 @@\n-${text}\n\\ No newline at end of file\n+${text}@${D.one}\n\\ No newline`)
    expect(await readFile(path, 'utf8')).toBe(text)
  })

  test('--check tells three faults apart, each at its place; --update mends what has a tag', async () => {
    const text = `FROM ${APP}:1.0 AS a\nFROM ${APP}:1.0@${D.two} AS b\nFROM ${APP}:2.0@${NEVER}\n`
    const path = await put('Dockerfile', text)
    const { status, out, err } = await dct('pin', ['--check', path])
    expect({ status, out }).toEqual({ status: 3, out: '' })
    expect(err).toMatch(/Dockerfile:1:6: .*\(ERR_NOT_PINNED\)\n/)
    expect(err).toMatch(/Dockerfile:2:6: .*\(ERR_DIGEST_MISMATCH\)\n/)
    expect(err).toMatch(/Dockerfile:3:6: .*\(ERR_DIGEST_NOT_SIGNED\)\n/)
    expect(await dct('pin', [path])).toMatchObject({ status: 3, out: '' })
    expect(await readFile(path, 'utf8')).toBe(text)
    expect(await dct('pin', ['--update', path])).toMatchObject({ status: 0, out: `${path}\n` })
    expect(await dct('pin', ['--check', path])).toMatchObject({ status: 0 })
  })

  test('--check: 5 when the server is away and nothing is cached, not "never signed"', async () => {
    const path = await put('Dockerfile', `FROM ${APP}:1.0@${D.one}\n`)
    const away = await startTrustServer({ collections: [] })
    await away.close()
    const { status, err } = await dct('pin', ['--check', path], {}, away.url)
    expect(status).toBe(5)
    expect(err).not.toContain('ERR_DIGEST_NOT_SIGNED')
  })

  test('--check: 1 when the server serves what the trusted keys did not sign', async () => {
    const forged = createTrustCollection(APP, { now: NOW, seed: 'forger' })
    forged.sign('1.0', 'forged')
    forged.publish()
    const forger = await startTrustServer({ collections: [forged] })
    const path = await put('Dockerfile', `FROM ${APP}:1.0@${D.one}\n`)
    try {
      const trusted = ['--trust-dir', at('trust')]
      expect(await dct('pin', ['--check', ...trusted, path])).toMatchObject({ status: 0 })
      await writeFile(at('home/ca.crt'), forger.ca)
      await rm(at('trust'), { recursive: true })
      const pins = await put('pins.json', JSON.stringify({ certs: { [APP]: ['0'.repeat(64)] } }))
      expect(await dct('pin', ['--check', '--pinning', pins, path], {}, forger.url)).toMatchObject({ status: 1 })
    } finally {
      await forger.close()
    }
  })

  test('options that contradict each other are refused', async () => {
    for (const typed of [
      ['--check', '--diff'],
      ['--check', '--update'],
      ['-o', 'json'],
    ])
      expect(await dct('pin', [...typed, 'Dockerfile'])).toMatchObject({ status: 2, out: '' })
    expect(await dct('pin', ['-'])).toMatchObject({ status: 2 })
  })
})

test('the name of what a Compose service builds is left alone, with a warning, and fails nothing', async () => {
  const text = `services:\n  a:\n    image: team/built:1\n    build: .\n  b:\n    image: ${APP}:1.0\n`
  const path = await put('compose.yaml', text)
  const verified = await dct('verify', ['-f', path])
  expect(verified).toMatchObject({ status: 0, out: `${APP}@${D.one}\n` })
  const said = `dct: warning: ${path}:3:12: skipped: the name of what is built, not verified: Compose pulls an image of this name first`
  expect(verified.err).toContain(said)
  expect((await dct('pin', [path])).status).toBe(0)
  expect(await readFile(path, 'utf8')).toBe(text.replace(':1.0', `:1.0@${D.one}`))
  const checked = await dct('pin', ['--check', path])
  expect(checked.status).toBe(0)
  expect(checked.err).toContain(said)
  await put('compose.yaml', text.replace('team/built:1', 'team/built:1 # dct:ignore'))
  expect((await dct('verify', ['-f', path])).err).not.toContain(`warning: ${path}`)
})

describe('attacks', () => {
  test('a link is neither read nor written, by name or in a folder', async () => {
    const target = await put('elsewhere/Dockerfile', `FROM ${APP}:1.0\n`)
    await mkdir(at('src'))
    await symlink(target, at('src/Dockerfile'))
    for (const path of [at('src/Dockerfile'), at('src')]) {
      const ran = await dct('pin', [path])
      expect(ran).toMatchObject({ status: 2, out: '', err: expect.stringContaining('symbolic link') })
    }
    expect(await readFile(target, 'utf8')).toBe(`FROM ${APP}:1.0\n`)
    expect((await lstat(at('src/Dockerfile'))).isSymbolicLink()).toBe(true)
  })

  test('a link in a folder to a file that is read there is skipped', async () => {
    await put('src/compose.yaml', `services: {a: {image: '${APP}:1.0'}}\n`)
    await symlink('compose.yaml', at('src/docker-compose.yml'))
    expect(await dct('verify', ['-f', at('src')])).toMatchObject({
      status: 0,
      err: expect.stringContaining('docker-compose.yml: skipped: a symbolic link to a file that was read'),
    })
  })

  test('an unreadable file, one that is missing and one that is no UTF-8 fail with their names', async () => {
    await writeFile(at('Dockerfile'), Uint8Array.of(0x46, 0xff, 0xfe))
    expect(await dct('verify', ['-f', at('Dockerfile')])).toMatchObject({ status: 2, err: expect.stringContaining('not UTF-8') })
    expect(await dct('verify', ['-f', at('missing')])).toMatchObject({
      status: 2,
      err: expect.stringContaining('there is no such file'),
    })
    await mkdir(at('empty'))
    expect(await dct('verify', ['-f', at('empty')])).toMatchObject({
      status: 2,
      err: expect.stringContaining('no file that names images'),
    })
  })

  test('an empty Dockerfile is pinned without a change', async () => {
    const path = await put('Dockerfile', '')
    expect((await dct('pin', [path])).out).toBe('')
    expect(await readFile(path, 'utf8')).toBe('')
  })

  test('a folder with 10,000 files of other kinds is searched', { timeout: 60_000 }, async () => {
    await put('src/Dockerfile', `FROM ${APP}:1.0\n`)
    for (let batch = 0; batch < 100; batch++)
      await Promise.all(Array.from({ length: 100 }, (_, index) => writeFile(at(`src/${batch}-${index}.txt`), 'FROM x\n')))
    expect(await dct('verify', ['-f', at('src')])).toMatchObject({ status: 0, out: `${APP}@${D.one}\n` })
  })

  test('folders within each other end at a limit', async () => {
    await put(`src/${'a/'.repeat(45)}Dockerfile`, `FROM ${APP}:1.0\n`)
    expect(await dct('verify', ['-f', at('src')])).toMatchObject({
      status: 2,
      err: expect.stringContaining('folders within each other'),
    })
  })
})

describe('dct build-policy', () => {
  test('denies all images, allows and converts the verified ones; the variable does not turn it off', async () => {
    const path = await put('Dockerfile', `FROM ${APP}:1.0\n`)
    const ran = await dct('build-policy', ['-f', path, '--also', `${APP}:2.0`], { env: { DOCKER_CONTENT_TRUST: '0' } })
    expect(ran.status).toBe(0)
    const { rules } = JSON.parse(ran.out)
    expect(rules[0]).toEqual({ action: 'DENY', selector: { identifier: 'docker-image://*', match_type: 'WILDCARD' } })
    const converted = rules.filter(({ action }: { action: string }) => action === 'CONVERT')
    expect(converted.map(({ updates }: { updates: unknown }) => updates)).toEqual([
      { identifier: `docker-image://${APP}:1.0@${D.one}` },
      { identifier: `docker-image://${APP}:2.0@${D.two}` },
    ])
  })

  test('one image that is not signed: no policy, and a file that is there stays as it was', async () => {
    const path = await put('Dockerfile', `FROM ${APP}:1.0 AS a\nFROM ${APP}:9\n`)
    const policy = await put('policy.json', 'old')
    expect(await dct('build-policy', ['-f', path, '--out', policy])).toMatchObject({ status: 3, out: '' })
    expect(await readFile(policy, 'utf8')).toBe('old')
    expect(await dct('build-policy', ['-f', path, '--allow-local', `${APP}:9`, '--out', policy])).toMatchObject({
      status: 0,
      out: '',
    })
    expect(await readFile(policy, 'utf8')).toContain(`docker-image://${APP}:9@sha256:*`)
  })

  test('frontends: verified, allowed as they are, or refused', async () => {
    const path = await put('Dockerfile', `# syntax=docker/dockerfile:1\nFROM ${APP}:1.0\n`)
    expect(await dct('build-policy', ['-f', path])).toMatchObject({ status: 3, out: '' })
    expect((await dct('build-policy', ['-f', path, '--frontend', 'allow'])).out).toContain(
      'docker-image://docker.io/docker/dockerfile:1',
    )
    expect(await dct('build-policy', ['-f', path, '--frontend', 'deny'])).toMatchObject({ status: 3, out: '' })
  })

  test('the other forms; rego needs a folder', async () => {
    const path = await put('Dockerfile', `FROM ${APP}:1.0\n`)
    const image = `docker-image://${APP}:1.0@${D.one}`
    expect((await dct('build-policy', ['-f', path, '--format', 'build-contexts'])).out).toContain(image)
    const bake = JSON.parse((await dct('build-policy', ['-f', path, '--format', 'bake', '--target', 'app'])).out)
    expect(JSON.stringify(bake.target.app)).toContain(`${APP}:1.0`)
    expect(await dct('build-policy', ['-f', path, '--format', 'rego'])).toMatchObject({ status: 2, out: '' })
    await mkdir(at('out'))
    expect(await dct('build-policy', ['-f', path, '--format', 'rego', '--out', at('out/new')])).toMatchObject({ status: 0 })
    expect(await readdir(at('out/new'))).toEqual(['dct-trust.json', 'dct.rego'])
  })
})
