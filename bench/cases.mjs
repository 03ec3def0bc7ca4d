/** Every case: the question, the programs that answer it, and the round-trip time. */
import { spawnSync } from 'node:child_process'
import { delegations, many, single, twice } from './collections.mjs'
import { measurePolicyCommand } from './policy-command.mjs'
import { measurePolicy } from './policy-cost.mjs'
import { measure } from './rounds.mjs'
import { serviceCases } from './service.mjs'
import { measureImport, measureVersion } from './startup.mjs'
import { command, docker, library, notary } from './subjects.mjs'

/** Rounds for cases where each round is slow and no target is tight. */
const FEW = 3

/**
 * Lists the cases in the order they run; `quick` has smaller collections. Each has a `name`, a `title`, `base` (the subject that
 * ratios refer to), optional `collections` that must be published before, and `run(lab, {rounds})`, which resolves to rows.
 */
export function listCases({ quick }) {
  const large = quick ? 500 : 5_000
  const sizes = quick ? [1_000] : [1_000, 5_000, 20_000, 50_000]
  const [folders, each, sampled] = quick ? [6, 2, 2] : [50, 4, 5]
  return [
    ...matrix('delegations', 'collection with 3 delegations', delegations, dockerIsThere ? [docker] : []),
    ...matrix('large', `2 x ${large} tags`, twice(large)),
    ...sizes.flatMap((size) => growth(size)),
    ...['cold', 'warm'].map((start) => manyCase(folders, each, sampled, start)),
    ...[1, 100].map(policyCase),
    ...[1, 100].map(policyCommandCase),
    ...serviceCases({ quick }),
    { name: 'startup/version', title: 'dct --version', base: 'node -e 0', run: measureVersion },
    { name: 'startup/import', title: 'importing the library', base: 'empty module', run: measureImport },
  ]
}

/** Docker 29 removed content trust from `docker pull`. */
export const dockerIsThere = (() => {
  const { stdout } = spawnSync('docker', ['--version'], { encoding: 'utf8' })
  return Number(/version (\d+)\./.exec(stdout ?? '')?.[1] ?? 99) <= 28
})()

function matrix(name, title, question, others = []) {
  return [50, 0].flatMap((roundTrip) => {
    return ['cold', 'warm'].map((start) => asked(`${name}/${start}/${roundTrip}`, title, question, start, roundTrip, { others }))
  })
}

function asked(name, title, question, start, roundTrip, { others = [], most = Number.POSITIVE_INFINITY } = {}) {
  return {
    name,
    title: `${title}, ${start}, ${roundTrip} ms`,
    base: 'notary',
    collections: question.collections,
    run: (lab, { rounds }) => {
      const subjects = [notary, command, library, ...others].map((make) => make(lab, question, start))
      return measureAndStop(lab, subjects, { roundTrip, rounds: Math.min(rounds, most) })
    },
  }
}

function growth(size) {
  const question = single(size)
  return ['cold', 'warm'].map((start) =>
    asked(`growth/${size}/${start}/0`, `${size} tags in targets`, question, start, 0, { most: FEW }),
  )
}

/** Runs `notary` for a sample of the collections and scales the result, because it takes more than a second for each. */
function manyCase(folders, each, sampled, start) {
  const question = many(folders, each)
  const sample = { ...question, wanted: question.wanted.slice(0, sampled * each) }
  return {
    name: `many/${start}/50`,
    title: `${folders * each} tags over ${folders} collections, ${start}, 50 ms (notary: one by one, ${sampled * each} of them, scaled)`,
    base: 'notary',
    collections: question.collections,
    run: (lab, { rounds }) => {
      const scaled = { ...notary(lab, sample, start), scale: folders / sampled }
      const subjects = [scaled, command(lab, question, start), library(lab, question, start)]
      return measureAndStop(lab, subjects, { roundTrip: 50, rounds: Math.min(rounds, FEW) })
    },
  }
}

/** Many rounds: the difference to be seen is smaller than the noise of one. */
function policyCase(collections) {
  return {
    name: `policy/${collections}`,
    title: `a warm client under 500 rules, 1,000 references in ${collections} collections`,
    base: 'without a policy',
    run: (_lab, { rounds }) => measurePolicy(collections, rounds * 5),
  }
}

function policyCommandCase(collections) {
  return {
    name: `policy/command/${collections}`,
    title: `dct verify under 500 rules, 1,000 references in ${collections} collections, warm`,
    base: 'without a policy',
    run: (lab, { rounds }) => measurePolicyCommand(lab, collections, rounds),
  }
}

async function measureAndStop(lab, subjects, options) {
  try {
    return await measure(lab.server, subjects, options)
  } finally {
    for (const subject of subjects) await subject.stop()
  }
}
