/** The published collections, and the tags that are looked up in them. */
import { digestOf } from './laboratory.mjs'

const RELEASES = 'targets/releases'

/** Three delegations with one tag each. */
export const delegations = one('docker.io/bench/delegations', 1, [RELEASES, 'targets/alice', 'targets/bob'])

/** `tags` tags in targets, and as many others in targets/releases. */
export function twice(tags) {
  return one(`docker.io/bench/twice-${tags}`, tags, ['targets', RELEASES])
}

/** `tags` tags in targets. */
export function single(tags) {
  return one(`docker.io/bench/single-${tags}`, tags, ['targets'])
}

/** Looks up `each` tags in each of `count` collections. */
export function many(count, each) {
  const collections = Array.from({ length: count }, (_, index) => collection(`docker.io/bench/many-${index}`, each, ['targets']))
  const tags = Array.from({ length: each }, (_, index) => `old-${index}`)
  return { collections, wanted: collections.flatMap(({ gun }) => tags.map((tag) => wanted(gun, tag))) }
}

function one(gun, tags, roles) {
  // A tag from the middle of the list.
  const tag = `${roles.includes(RELEASES) ? 'tag' : 'old'}-${tags >> 1}`
  return { collections: [collection(gun, tags, roles)], wanted: [wanted(gun, tag)] }
}

function collection(gun, tags, roles) {
  return { gun, tags, roles }
}

function wanted(gun, tag) {
  return { gun, tag, digest: digestOf(tag) }
}
