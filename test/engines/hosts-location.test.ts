/**
 * podman, CRI-O, buildah and skopeo read the same registries.conf with the same library. Here it is skopeo: it asks `dct serve` by
 * the files that `dct serve hosts` writes, and by files that others write beside them.
 */
import { createHash } from 'node:crypto'
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { filesFault } from '../../src/tasks/hosts-faults.js'
import { type NodeLab, type Pushed, type RunningService, startNodeLab } from './lab/node-lab.js'

let lab: NodeLab
let service: RunningService
/** Stands for /etc/containers. */
let folder: string
let signed: Pushed

beforeAll(async () => {
  lab = await startNodeLab({ host: 'registry.test' })
  signed = await lab.push('team/app', '1.0', 'signed')
  await lab.sign('team/app', '1.0', signed)
  await lab.push('team/app', '1.0', 'moved')
  await lab.push('team/app', 'unsigned', 'not signed')
  service = await lab.serve(
    `{ version: 1, default: { action: deny }, rules: [{ match: '${lab.registry}/team/*', firstUse: accept }] }`,
    '--pass-through',
  )
  folder = await mkdtemp(join(lab.folder, 'containers-'))
  await copyFile('/etc/containers/registries.conf', join(folder, 'registries.conf'))
  await writeFile(join(folder, 'policy.json'), '{"default": [{"type": "insecureAcceptAnything"}]}')
  expect(await hosts()).toMatchObject({ status: 0 })
})

afterAll(async () => {
  await lab?.[Symbol.asyncDispose]()
})

const common = () => ['--engine', 'podman', '--out', folder, '--resolver', service.url]
const hosts = () =>
  lab.dct(['serve', 'hosts', ...common(), '--registry', lab.registry, '--resolver-ca', lab.certificates.ca, '--force'])
const image = (tag: string): string => `${lab.registry}/team/app:${tag}`
const skopeo = (...args: string[]) => lab.run('skopeo', args, { mounts: { '/etc/containers': folder } })
const manifest = async (tag: string) => {
  const { status, output } = await skopeo('inspect', '--raw', `docker://${image(tag)}`)
  return status === 0 ? 'answered' : /denied: .*\(ERR_TAG_NOT_SIGNED\)/.test(output) ? 'refused' : output
}

test('the signed tag is answered, a tag that is not signed is refused with the reason', async () => {
  expect([await manifest('1.0'), await manifest('unsigned')]).toEqual(['answered', 'refused'])
  const { decision } = (await service.decisions()).at(-2) ?? {}
  expect(decision).toBe('trusted')
})

test('skopeo copy takes the whole of the signed image through dct serve, and nothing of an image that is not signed', async () => {
  const copy = (tag: string) => skopeo('copy', `docker://${image(tag)}`, `dir:${join(lab.folder, `copy-${tag}`)}`)
  expect(await copy('1.0')).toMatchObject({ status: 0 })
  const copied = await readFile(join(lab.folder, 'copy-1.0', 'manifest.json'))
  expect(`sha256:${createHash('sha256').update(copied).digest('hex')}`).toBe(signed.digest)
  for (const { digest } of JSON.parse(copied.toString()).layers) {
    const layer = await readFile(join(lab.folder, 'copy-1.0', digest.replace('sha256:', '')))
    expect(`sha256:${createHash('sha256').update(layer).digest('hex')}`).toBe(digest)
  }
  const { status, output } = await copy('unsigned')
  expect(status).not.toBe(0)
  expect(output).toContain('ERR_TAG_NOT_SIGNED')
})

/** Files of others, with the registry's name in place of R, and what skopeo does with the unsigned tag then. */
const BESIDE: readonly (readonly [string, string, string, 'answered' | 'refused'])[] = [
  ['an entry for a part of the registry', 'aa.conf', '[[registry]]\nprefix = "R/team"\nlocation = "R/team"\n', 'answered'],
  ['an entry for the registry that is read later', 'zzz.conf', '[[registry]]\nprefix = "R"\nlocation = "R"\n', 'answered'],
  ['an entry for the registry that is read later, by location', 'zzz.conf', '[[registry]]\nlocation = "R"\n', 'answered'],
  [
    'an entry for the registry that is read before',
    'aa.conf',
    '[[registry]]\nlocation = "R"\n[[registry.mirror]]\nlocation = "R"\n',
    'refused',
  ],
  ['an entry for another registry', 'zzz.conf', '[[registry]]\nlocation = "other.test"\n', 'refused'],
]

test.each(BESIDE)('with %s, the unsigned tag is as said, and dct serve hosts knows it', async (_, name, text, outcome) => {
  const file = join(folder, 'registries.conf.d', name)
  await writeFile(file, text.replaceAll('"R', `"${lab.registry}`))
  try {
    expect(await manifest('unsigned')).toBe(outcome)
    const fault = await filesFault('podman', lab.registry, folder, new URL(service.url))
    expect(fault?.file).toBe(outcome === 'answered' ? file : undefined)
    expect(await hosts()).toMatchObject({ status: outcome === 'answered' ? 2 : 0 })
  } finally {
    await rm(file)
  }
})

test('dct serve self-test: 0 with these files, 1 when another file wins over them', async () => {
  // skopeo takes the place of podman, which is not among the programs of this suite.
  const bin = await mkdtemp(join(lab.folder, 'bin-'))
  const script = '#!/bin/sh\n[ "$1" = pull ] || exit 1\nexec skopeo copy "docker://$3" "dir:$0.image"\n'
  await writeFile(join(bin, 'podman'), script)
  await chmod(join(bin, 'podman'), 0o755)
  const env = { PATH: `${bin}:${process.env['PATH']}` }
  const words = ['serve', 'self-test', ...common(), '--unsigned', image('unsigned')]
  const selfTest = () => lab.dct(words, env, { '/etc/containers': folder })
  expect(await selfTest()).toMatchObject({
    status: 0,
    output: expect.stringContaining(`podman: ${image('unsigned')} is refused`),
  })
  const file = join(folder, 'registries.conf.d', 'zzz.conf')
  await mkdir(join(folder, 'registries.conf.d'), { recursive: true })
  await writeFile(file, `[[registry]]\nlocation = "${lab.registry}"\n`)
  try {
    const { status, output } = await selfTest()
    expect(status).toBe(1)
    expect(output).toContain(`${file}: the entry for ${lab.registry} wins`)
    expect(output).toContain(`podman pulled ${image('unsigned')}`)
  } finally {
    await rm(file)
  }
})
