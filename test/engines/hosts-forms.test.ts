/**
 * Every form of hosts.toml that guides show, with the real containerd: what it pulls for a signed tag that was moved in the registry, and
 * for a tag that is not signed. `dct serve hosts` writes the only form that is closed; `hostsFault` finds each of the others.
 */
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hostsFolder } from '../../src/tasks/engine-hosts.js'
import { hostsFault } from '../../src/tasks/hosts-form.js'
import { type NodeLab, type Pushed, type RunningService, startNodeLab } from './lab/node-lab.js'

let lab: NodeLab
let service: RunningService
let signed: Pushed
let moved: Pushed
/** The folder of containerd's configuration, written by the command. */
let written: string

beforeAll(async () => {
  lab = await startNodeLab({ host: 'registry.test' })
  signed = await lab.push('team/app', '1.0', 'signed')
  await lab.sign('team/app', '1.0', signed)
  moved = await lab.push('team/app', '1.0', 'moved')
  await lab.push('team/app', 'unsigned', 'not signed')
  service = await lab.serve(
    `{ version: 1, default: { action: deny }, rules: [{ match: '${lab.registry}/team/*', firstUse: accept }] }`,
  )
  written = await mkdtemp(join(lab.folder, 'written-'))
  const { ca } = lab.certificates
  expect(await lab.dct(['serve', 'hosts', ...common(written), '--resolver-ca', ca, '--registry-ca', ca])).toMatchObject({
    status: 0,
  })
})

afterAll(async () => {
  await lab?.[Symbol.asyncDispose]()
})

const common = (folder: string) => [
  '--engine',
  'containerd',
  '--out',
  folder,
  '--registry',
  lab.registry,
  '--resolver',
  service.url,
]
const image = (tag: string): string => `${lab.registry}/team/app:${tag}`

/** What containerd has after the pull: what is signed, what the registry has under the tag, or nothing. */
async function pulled(hosts: string, tag: string): Promise<'signed' | 'moved' | 'unsigned' | 'nothing'> {
  const { status } = await lab.pull(hosts, image(tag))
  if (status !== 0) return 'nothing'
  const digest = await lab.digestOf(image(tag))
  return digest === signed.digest ? 'signed' : digest === moved.digest ? 'moved' : 'unsigned'
}
const both = (hosts: string) => Promise.all([pulled(hosts, '1.0'), pulled(hosts, 'unsigned')])

test('the form that dct serve hosts writes is closed, and dct finds no fault in it', async () => {
  const text = await readFile(join(written, 'certs.d', hostsFolder(lab.registry), 'hosts.toml'), 'utf8')
  expect(await hostsFault(text, new URL(service.url))).toBeUndefined()
  expect(await both(join(written, 'certs.d'))).toEqual(['signed', 'nothing'])
})

interface Form {
  readonly form: string
  readonly text: (resolver: string, registry: string, ca: string) => string
  /** What containerd 1.6 pulls for the signed and for the unsigned tag. */
  readonly pulls: readonly [string, string]
  /** Undefined when dct accepts the form. */
  readonly fault: RegExp | undefined
}

const FORMS: readonly Form[] = [
  {
    form: 'the registry as server, the resolver as a host that resolves',
    text: (resolver, registry, ca) =>
      `server = "${registry}"\nca = "${ca}"\n[host."${resolver}"]\ncapabilities = ["resolve"]\nca = "${ca}"\n`,
    pulls: ['moved', 'unsigned'],
    fault: /the engine asks it for tags/,
  },
  {
    form: 'the registry as server, the resolver as a mirror, as guides show it',
    text: (resolver, registry, ca) =>
      `server = "${registry}"\nca = "${ca}"\n[host."${resolver}"]\ncapabilities = ["pull", "resolve"]\nca = "${ca}"\n`,
    pulls: ['signed', 'unsigned'],
    fault: /the engine asks it for tags/,
  },
  {
    form: 'the resolver as server that only resolves',
    text: (resolver, registry, ca) =>
      `server = "${resolver}"\ncapabilities = ["resolve"]\nca = "${ca}"\n[host."${registry}"]\ncapabilities = ["pull", "push"]\nca = "${ca}"\n`,
    pulls: ['nothing', 'nothing'],
    fault: /no tag can be resolved/,
  },
  {
    form: 'the resolver as server and as a host',
    text: (resolver, registry, ca) =>
      `server = "${resolver}"\ncapabilities = ["pull", "resolve"]\nca = "${ca}"\n[host."${resolver}"]\ncapabilities = ["resolve"]\nca = "${ca}"\n[host."${registry}"]\ncapabilities = ["pull"]\nca = "${ca}"\n`,
    pulls: ['signed', 'nothing'],
    fault: undefined,
  },
  {
    form: 'the registry as a host without capabilities, which has all of them then',
    text: (resolver, registry, ca) =>
      `server = "${resolver}"\ncapabilities = ["pull", "resolve"]\nca = "${ca}"\n[host."${registry}"]\nca = "${ca}"\n`,
    pulls: ['moved', 'unsigned'],
    fault: /capabilities/,
  },
  {
    form: 'TOML with a mistake',
    text: (resolver, registry, ca) =>
      `server = "${resolver}"\ncapabilities = ["pull", "resolve"\nca = "${ca}"\n[host."${registry}"]\ncapabilities = ["pull"]\n`,
    pulls: ['moved', 'unsigned'],
    fault: /cannot read it/,
  },
  {
    form: 'a capability that does not exist',
    text: (resolver, registry, ca) =>
      `server = "${resolver}"\ncapabilities = ["pull", "resolve"]\nca = "${ca}"\n[host."${registry}"]\ncapabilities = ["pull", "fetch"]\n`,
    pulls: ['moved', 'unsigned'],
    fault: /capabilities are not understood/,
  },
  {
    form: 'a value of another type',
    text: (resolver, registry, ca) =>
      `server = "${resolver}"\ncapabilities = ["pull", "resolve"]\nca = "${ca}"\n[host."${registry}"]\ncapabilities = ["pull"]\nca = 1\n`,
    pulls: ['moved', 'unsigned'],
    fault: /ca does not name files/,
  },
  {
    form: 'no server',
    text: (resolver, _registry, ca) => `[host."${resolver}"]\ncapabilities = ["pull", "resolve"]\nca = "${ca}"\n`,
    pulls: ['signed', 'unsigned'],
    fault: /names no server/,
  },
]

test.each(FORMS)('with $form: signed and unsigned tag give $pulls', async ({ text, pulls, fault }) => {
  const content = text(service.url, `https://${lab.registry}`, lab.certificates.ca)
  expect(await both(await lab.writeHosts(content))).toEqual(pulls)
  const found = await hostsFault(content, new URL(service.url))
  if (fault === undefined) expect(found).toBeUndefined()
  else expect(found).toMatch(fault)
})

test('the folder with underscores comes before that with a colon, which comes before _default', async () => {
  const open = `server = "https://${lab.registry}"\nca = "${lab.certificates.ca}"\n`
  const hosts = join(await mkdtemp(join(lab.folder, 'places-')), 'certs.d')
  await cp(join(written, 'certs.d'), hosts, { recursive: true })
  for (const name of [lab.registry, '_default']) {
    await mkdir(join(hosts, name))
    await writeFile(join(hosts, name, 'hosts.toml'), open)
  }
  expect(await both(hosts)).toEqual(['signed', 'nothing'])
  await rm(join(hosts, hostsFolder(lab.registry)), { recursive: true })
  expect(await both(hosts)).toEqual(['moved', 'unsigned'])
  await rm(join(hosts, lab.registry), { recursive: true })
  expect(await pulled(hosts, 'unsigned')).toBe('unsigned')
})

describe('dct serve self-test', () => {
  const selfTest = (folder: string, ...more: string[]) =>
    lab.dct(['serve', 'self-test', '--engine', 'containerd', '--out', folder, '--resolver', service.url, ...more])
  const unsigned = () => ['--unsigned', image('unsigned')]

  test('is content when the engine refuses, leaves the images of others alone, and nothing behind', async () => {
    const own = ['images', 'pull', '--hosts-dir', join(written, 'certs.d'), image('1.0')]
    expect(await lab.run('ctr', own)).toMatchObject({ status: 0 })
    const { status, output } = await selfTest(written, ...unsigned(), '--signed', image('1.0'))
    expect(output).toContain(`ctr: ${image('unsigned')} is refused\nctr: ${image('1.0')} is pulled\n`)
    expect(output).toContain('images by digest')
    expect(status).toBe(0)
    expect(await lab.digestOf(image('1.0'))).toBe(signed.digest)
    expect((await lab.run('ctr', ['namespaces', 'list', '--quiet'])).output).not.toContain('dct-self-test')
  })

  test('fails with 1 when the engine pulls the tag, and removes it', async () => {
    const { form, text } = FORMS[1] ?? {}
    const hosts = await lab.writeHosts(text?.(service.url, `https://${lab.registry}`, lab.certificates.ca) ?? '')
    const folder = await mkdtemp(join(lab.folder, 'open-'))
    await cp(hosts, join(folder, 'certs.d'), { recursive: true })
    const { status, output } = await selfTest(folder, ...unsigned())
    expect(status, form).toBe(1)
    expect(output).toContain(`ctr pulled ${image('unsigned')}`)
    expect(output).toMatch(/hosts\.toml: server is .*: the engine asks it for tags/)
    expect((await lab.run('ctr', ['namespaces', 'list', '--quiet'])).output).not.toContain('dct-self-test')
  })

  test('cannot say when the refusal is not that of dct serve', async () => {
    const other = 'https://localhost:1'
    const { ca } = lab.certificates
    const folder = await mkdtemp(join(lab.folder, 'away-'))
    const where = ['--engine', 'containerd', '--out', folder, '--resolver', other]
    expect(await lab.dct(['serve', 'hosts', ...where, '--registry', lab.registry, '--resolver-ca', ca])).toMatchObject({
      status: 0,
    })
    const { status, output } = await lab.dct(['serve', 'self-test', ...where, ...unsigned()])
    expect([status, output]).toEqual([5, expect.stringContaining('connection refused')])
  })
})
