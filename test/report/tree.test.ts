/** The trust tree: who may sign what, who did, and how long it is good. */
import stringWidth from 'string-width'
import { expect, test } from 'vitest'
import { createMemoryStore, createTrustClient } from '../../src/index.js'
import { painter } from '../../src/report/colors.js'
import { treeLines } from '../../src/report/tree.js'
import { createSigningKey, createSimulatedTransport, createTrustCollection } from '../../src/testing/index.js'

const NOW = new Date('2026-03-01T00:00:00Z')
const plain = painter({ choice: 'never', terminal: true, env: {} })

async function inspected() {
  const collection = createTrustCollection('registry.example/team/app', { now: NOW, roles: { root: { keys: 2, threshold: 2 } } })
  const dave = createSigningKey({ type: 'ecdsa' })
  for (const role of ['targets/releases', 'targets/alice']) collection.delegate(role).sign('1.0', 'the app', { role })
  collection.delegate('targets/alice/dev', { paths: ['dev-', 'nightly'] })
  collection.delegate('targets/dave', { keys: [dave] })
  collection.publish()
  const transport = createSimulatedTransport([collection])
  await using client = createTrustClient({
    env: {},
    server: 'https://trust.example',
    transport,
    store: createMemoryStore(),
    now: () => NOW,
  })
  return client.inspect('registry.example/team/app')
}

test('delegations are below the role that lists them, in its order', async () => {
  const { delegations } = await inspected()
  expect(delegations.map(({ role, delegatedBy, paths }) => [role, delegatedBy, paths])).toEqual([
    ['targets/releases', 'targets', ['']],
    ['targets/alice', 'targets', ['']],
    ['targets/dave', 'targets', ['']],
    ['targets/alice/dev', 'targets/alice', ['dev-', 'nightly']],
  ])
})

test('each role has its version, keys, threshold, who met it, paths and the time left', async () => {
  const inspection = await inspected()
  const lines = treeLines(inspection, { now: NOW, paint: plain })
  const roles = lines.filter((line) => line.includes('version') || line.includes('signed nothing'))
  expect(roles.map((line) => line.replace(/ version.*| {2}has.*/, '').trimEnd())).toEqual([
    'root',
    '├─ timestamp',
    '├─ snapshot',
    '└─ targets',
    '   ├─ targets/releases',
    '   ├─ targets/alice',
    '   │  └─ targets/alice/dev',
    '   └─ targets/dave',
  ])
  const [root] = inspection.roles
  for (const { id, canonicalId } of root?.keyDetails ?? []) {
    expect(lines).toContain(`│  ✓ ${id}`)
    expect(lines).toContain(`│    canonical ID ${canonicalId}`)
  }
  expect(lines).toContain('│  signed by 2 of 2 keys, 2 needed')
  expect(lines.join('\n')).toContain('may sign names that begin with "dev-", "nightly"')
  expect(lines.filter((line) => line.includes('certificate ends')).length).toBeGreaterThanOrEqual(2)
})

test('the bar is as full as the time left, and empty when there is none', async () => {
  const inspection = await inspected()
  const timestamp = Date.parse(inspection.roles[1]?.expires ?? '')
  const bar = (daysLeft: number) =>
    treeLines(inspection, { now: new Date(timestamp - daysLeft * 86_400_000), paint: plain }).find(
      (_, index, lines) => lines[index - 1]?.includes('timestamp') ?? false,
    )
  expect(bar(14)).toContain('██████████ 14 days left')
  expect(bar(7)).toContain('█████░░░░░ 7 days left')
  expect(bar(0.1)).toContain('█░░░░░░░░░ 2 h left')
  expect(bar(0)).toContain('░░░░░░░░░░ expired')
})

test.each([120, 80, 60, 40, 30])('at %i columns no line is wider, and the guides stay', async (width) => {
  const lines = treeLines(await inspected(), { now: NOW, paint: painter({ choice: 'always', terminal: true, env: {} }), width })
  for (const line of lines) expect(stringWidth(line), line).toBeLessThanOrEqual(width)
  // A style that is begun and cut off would colour the rest of the screen.
  for (const line of lines) expect((line.match(/\u001b\[\d+m/g) ?? []).length % 2, line).toBe(0)
})

test.each([
  ['auto', true, {}, true],
  ['auto', false, {}, false],
  ['auto', true, { TERM: 'dumb' }, false],
  ['auto', true, { NO_COLOR: '1' }, false],
  ['auto', true, { NO_COLOR: '' }, true],
  ['auto', false, { FORCE_COLOR: '1' }, true],
  ['auto', true, { FORCE_COLOR: '0' }, false],
  ['auto', false, { FORCE_COLOR: '1', NO_COLOR: '1' }, true],
  ['never', true, { FORCE_COLOR: '1' }, false],
  ['always', false, { NO_COLOR: '1' }, true],
] as const)('--color=%s, terminal %s, %o: coloured %s', (choice, terminal, env, colored) => {
  expect(painter({ choice, terminal, env })('bold', 'x') !== 'x').toBe(colored)
})
