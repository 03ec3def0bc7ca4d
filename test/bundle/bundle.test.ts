import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type BundledCollection, bundleDigest, isBundledName, packBundle, servedFiles } from '../../src/bundle/bundle.js'
import { MAX_BUNDLE_BYTES, unpackBundle } from '../../src/bundle/unpack-bundle.js'
import { createMemoryStore, TrustError, UsageError, verifyTag } from '../../src/index.js'
import { createSimulatedTransport, createTrustCollection, type TrustCollection } from '../../src/testing/index.js'
import { Budget } from '../../src/trust/budget.js'
import { RootChain } from '../../src/trust/root-chain.js'
import { walk as walkRoots } from '../lockfile/locks.js'

const [ALPINE, BUSYBOX] = ['docker.io/library/alpine', 'docker.io/library/busybox']

function collectionOf(gun: string): TrustCollection {
  return createTrustCollection(gun, {
    tags: { '3.19': 'image' },
    delegations: { 'targets/releases': { tags: { '3.20': 'newer' } } },
    rotations: [{}, {}],
  }).publish()
}

/** What an export takes down. */
function bundled(collection: TrustCollection): BundledCollection {
  const files = [...collection.files()].filter(([name]) => isBundledName(name))
  return { gun: collection.gun, server: 'https://notary.example', files: new Map(files) }
}

/** Verifies from a bundle alone, through the public door. */
function verified(collection: BundledCollection, gun: string, tag: string) {
  const served = servedFiles(collection)
  return verifyTag(`${gun}:${tag}`, {
    disableContentTrust: false,
    env: {},
    store: createMemoryStore(),
    now: () => new Date('2026-03-02T00:00:00Z'),
    transport: createSimulatedTransport([{ gun, served: (name) => served.get(name) }]),
  })
}

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'trusted',
    (cause: unknown) => (cause instanceof TrustError ? cause.code : String(cause)),
  )

const [alpine, busybox] = [collectionOf(ALPINE), collectionOf(BUSYBOX)]
const bundle = packBundle([bundled(busybox), bundled(alpine)])
const read = () => unpackBundle(bundle, 'bundle')

function refusal(bytes: Uint8Array): UsageError {
  try {
    unpackBundle(bytes, 'bundle')
  } catch (cause) {
    if (cause instanceof UsageError) return cause
    throw cause
  }
  throw new Error('accepted')
}

test('the same collections give the same bytes and the same digest, in any order', () => {
  const other = packBundle([bundled(alpine), { ...bundled(busybox), files: new Map([...bundled(busybox).files].reverse()) }])
  expect(bundleDigest(other)).toBe(bundleDigest(bundle))
  expect(bundleDigest(bundle)).toMatch(/^sha256:[0-9a-f]{64}$/)
  expect(new TextDecoder().decode(bundle).split('\n')).toHaveLength(4)
  expect(packBundle([...read().values()])).toEqual(bundle)
})

test('what is unpacked verifies without the server', async () => {
  for (const gun of [ALPINE, BUSYBOX]) {
    const collection = read().get(gun)
    if (collection === undefined) throw new Error('missing')
    const result = await verified(collection, gun, '3.20')
    expect(result).toMatchObject({ status: 'trusted', role: 'targets/releases' })
  }
})

/** A bundle whose lines were bent. */
function bent(change: (files: Map<string, Uint8Array>) => void): BundledCollection {
  const collection = unpackBundle(packBundle([bundled(alpine)]), 'bundle').get(ALPINE)
  const files = new Map(collection?.files)
  change(files)
  return { gun: ALPINE, server: 'x', files }
}

const swap = (one: string, other: string) => (files: Map<string, Uint8Array>) => {
  const [a, b] = [files.get(one), files.get(other)]
  if (a === undefined || b === undefined) throw new Error('missing')
  files.set(one, b).set(other, a)
}

test.each([
  ['targets', 'targets/releases'],
  ['snapshot', 'targets'],
  ['timestamp', 'snapshot'],
  ['2.root', '3.root'],
  ['1.root', '3.root'],
])('attack: the files %s and %s swapped are refused', async (one, other) => {
  expect(await codeOf(verified(bent(swap(one, other)), ALPINE, '3.20'))).toMatch(/^ERR_/)
})

test('attack: another collection under this name is refused, whole or in part', async () => {
  expect(await codeOf(verified({ ...bundled(busybox), gun: ALPINE }, ALPINE, '3.20'))).toBe('ERR_ROOT_UNTRUSTED')
  for (const name of ['timestamp', 'snapshot', 'targets', 'targets/releases', '3.root']) {
    const mixed = bent((files) => files.set(name, bundled(busybox).files.get(name) ?? new Uint8Array()))
    expect(await codeOf(verified(mixed, ALPINE, '3.20')), name).toMatch(/^ERR_/)
  }
})

test.each([
  ['1.root', '2.root'],
  ['2.root', '3.root'],
  ['1.root', '3.root'],
])('attack: the roots %s and %s swapped are no chain from a lock', (one, other) => {
  const walk = ({ files }: BundledCollection) => {
    const start = RootChain.start(ALPINE, alpine.served('1.root') ?? new Uint8Array(), new Budget())
    return walkRoots(
      start,
      ['2.root', '3.root'].map((name) => files.get(name) ?? new Uint8Array()),
    )
  }
  expect(walk(bundled(alpine)).version).toBe(3)
  expect(() => walk(bent(swap(one, other)))).toThrow(TrustError)
})

test('attack: an older timestamp and snapshot in a bundle do not go with newer targets', async () => {
  const before = bundled(alpine)
  const later = collectionOf(ALPINE)
  later.sign('3.21', 'later', { role: 'targets/releases' })
  later.publish()
  const mixed = {
    ...bundled(later),
    files: new Map([...bundled(later).files, ...[...before.files].filter(([name]) => name === 'snapshot')]),
  }
  expect(await codeOf(verified(mixed, ALPINE, '3.20'))).toMatch(/^ERR_/)
})

const HEADER = '{"format":"docker-content-trust-bundle","version":1}\n'
const LINE = new TextDecoder().decode(bundle).split('\n')[1] ?? ''

test.each<[string, string, string]>([
  ['nothing', '', '1:1: the file is empty'],
  ['no header', `${LINE}\n`, '1:'],
  ['another format', HEADER.replace('docker-content-trust-bundle', 'tar'), '1:11: format: expected'],
  ['another version', HEADER.replace('1}', '2}'), '1:51: version: version 2'],
  ['a line that was cut off', HEADER + LINE.slice(0, 500), 'does not end in a newline'],
  ['a line that was cut off before a newline', `${HEADER}${LINE.slice(0, 500)}\n`, '2:501'],
  ['a collection twice', `${HEADER}${LINE}\n${LINE}\n`, '3:1: docker.io/library/alpine is in the bundle twice'],
  ['an unknown name', `${HEADER}${LINE.replace('"gun"', '"gnu"')}\n`, 'unknown name "gnu"'],
  ['a name that leads elsewhere', `${HEADER}${LINE.replace('"snapshot"', '"../snapshot"')}\n`, 'is no file of a collection'],
  ['a root without number', `${HEADER}${LINE.replace('"1.root"', '"root"')}\n`, 'is no file of a collection'],
  [
    'a root with another spelling of its number',
    `${HEADER}${LINE.replace('"1.root"', '"01.root"')}\n`,
    'is no file of a collection',
  ],
  ['a file twice', `${HEADER}${LINE.replace('"2.root"', '"1.root"')}\n`, 'duplicate member name'],
  ['no snapshot', `${HEADER}${LINE.replace(/"snapshot":"[^"]*",/, '')}\n`, 'lacks snapshot'],
  ['no root', `${HEADER}${LINE.replaceAll(/"[0-9].root":"[^"]*",/g, '')}\n`, 'lacks <N>.root'],
  ['bytes that are no base64', `${HEADER}${LINE.replace('"snapshot":"', '"snapshot":"%')}\n`, 'not standard base64'],
  ['an empty line', `${HEADER}\n${LINE}\n`, '2:1'],
])('%s is refused', (_, text, told) => {
  const error = refusal(new TextEncoder().encode(text))
  expect(error.code).toBe('ERR_SETTINGS_INVALID')
  expect(`${error.message} ${String(error.evidence?.['faults'])}`).toContain(told)
})

test('a bundle that is too long, or has too many or too deep lines, ends typed and fast', () => {
  const start = performance.now()
  for (const bytes of [
    new Uint8Array(MAX_BUNDLE_BYTES + 1),
    new TextEncoder().encode(HEADER + '{}\n'.repeat(100_000)),
    new TextEncoder().encode(`${HEADER}${'['.repeat(1_000_000)}\n`),
  ])
    expect(refusal(bytes).code).toBe('ERR_SETTINGS_INVALID')
  expect(performance.now() - start).toBeLessThan(8000)
})

test('no bent byte is answered with another digest, nor with an error of another kind', async () => {
  const honest = await verified(bundled(alpine), ALPINE, '3.20')
  await fc.assert(
    fc.asyncProperty(fc.nat(bundle.length - 1), fc.integer({ min: 1, max: 255 }), async (at, mask) => {
      const bytes = Uint8Array.from(bundle)
      bytes[at] = (bytes[at] ?? 0) ^ mask
      try {
        const collection = unpackBundle(bytes, 'bundle').get(ALPINE)
        if (collection === undefined) return
        const result = await verified(collection, ALPINE, '3.20')
        expect('digest' in result && 'digest' in honest && result.digest === honest.digest).toBe(true)
      } catch (cause) {
        if (!(cause instanceof TrustError)) throw cause
      }
    }),
    { numRuns: 60 },
  )
})
