/** Makes case number `index` of a seed: one collection in one to three states, and a name to look up in each. */
import type { TargetDocument } from '../../../src/testing/index.js'
import { TAMPERINGS } from '../../attacks/tamperings.js'
import { adopt, type Recorded } from './adopted.js'
import { CERTIFICATE_MUTATIONS } from './certificate-mutations.js'
import {
  COUNT_BACK,
  DATE_MUTATIONS,
  DECLARED_MUTATIONS,
  DELEGATION_MUTATIONS,
  TARGET_MUTATIONS,
  VERSION_MUTATIONS,
} from './content-mutations.js'
import { Draft, RELEASES, type Spoiling, type State } from './draft.js'
import { mutateField } from './field-mutations.js'
import { firstCollection, NAMES, nextHonest, oddHonest, renewTimestamp } from './honest-steps.js'
import { Random } from './random.js'
import { KEY_MUTATIONS, type Mutation, SIGNATURE_MUTATIONS, SIGNER_MUTATIONS } from './signature-mutations.js'
import type { SigningLog } from './signing-log.js'
import { TEXT_MUTATIONS } from './text-mutations.js'
import { mutateBytes, ROTATION_MUTATIONS, WIRE_MUTATIONS } from './wire-mutations.js'

export interface Case {
  readonly gun: string
  readonly target: string
  readonly states: readonly State[]
  /** The log of signatures. */
  readonly log: SigningLog
}

export interface CaseSource {
  readonly seed: string
  readonly recorded: ReadonlyMap<string, Recorded>
}

export function gunOf(index: number): string {
  return `diff.example/case${index}`
}

/** Makes the same case, byte for byte, for the same seed and number on every day. */
export function makeCase({ seed, recorded }: CaseSource, index: number): Case {
  const random = new Random(`${seed} ${index}`)
  const gun = gunOf(index)
  const make = random.weighted<(draft: Draft) => State[]>([
    [25, honestStates],
    [45, mutatedStates],
    [10, tamperedStates],
    [8, (draft) => adoptedState(draft, recorded)],
    [12, twiceMutatedStates],
    [5, replayedStates],
    [3, brokenReleasesStates],
  ])
  // The tamperings of the catalogue search for text in Notary's form.
  const draft = make === tamperedStates ? new Draft(gun, random, 'canonical') : new Draft(gun, random)
  const states = make(draft)
  const target = make === brokenReleasesStates ? random.pick(['latest', RELEASED, RELEASED]) : chooseTarget(random, states)
  return { gun, target, states, log: draft.log }
}

function honestStates(draft: Draft): State[] {
  firstCollection(draft)
  for (let left = draft.random.int(4); left > 0; left--) oddHonest(draft)
  const states = [draft.publish()]
  for (let left = draft.random.int(3); left > 0; left--) {
    if (draft.random.chance(0.1)) renewTimestamp(draft)
    else {
      nextHonest(draft)
      for (let odd = draft.random.int(3); odd > 0; odd--) oddHonest(draft)
    }
    states.push(draft.publish())
  }
  return states
}

/** Mutates the last of one or two states. */
function mutatedStates(draft: Draft): State[] {
  firstCollection(draft)
  const states: State[] = []
  if (draft.random.chance(0.55)) {
    states.push(draft.publish())
    if (draft.random.chance(0.7)) nextHonest(draft)
  }
  mutate(draft)
  return [...states, draft.publish()]
}

/** An honest state and two mutated ones; or a mutated one and then an honest one. */
function twiceMutatedStates(draft: Draft): State[] {
  firstCollection(draft)
  if (draft.random.chance(0.5)) mutate(draft)
  const states = [draft.publish()]
  nextHonest(draft)
  if (draft.random.chance(0.7)) mutate(draft)
  states.push(draft.publish())
  nextHonest(draft)
  if (draft.random.chance(0.3)) mutate(draft)
  return [...states, draft.publish()]
}

/** After two honest states an older one, complete or in part; or a role that is signed with a lower version. */
function replayedStates(draft: Draft): State[] {
  const { collection, random } = draft
  firstCollection(draft)
  const states = [draft.publish()]
  for (const role of ['targets', ...draft.signedDelegations]) collection.sign('latest', `${role} again`, { role })
  if (random.chance(0.5)) nextHonest(draft)
  states.push(draft.publish())
  const role = random.pick(['timestamp', 'snapshot', 'targets', ...draft.signedDelegations])
  const replay = random.pick(WIRE_MUTATIONS.filter(([name]) => name.endsWith('as in the state before')))
  const [name, apply] = random.chance(0.5) ? replay : COUNT_BACK
  draft.apply(name, role, apply)
  return [...states, draft.publish()]
}

/** Signs a name that no other role has, so that its lookup depends on this role. */
const RELEASED = 'released'

/** The role that takes precedence for tags differs from targets, and has expired or is not signed. */
function brokenReleasesStates(draft: Draft): State[] {
  const { collection, random } = draft
  firstCollection(draft)
  if (draft.delegations.includes(RELEASES)) draft.undelegate(RELEASES)
  draft.delegate(RELEASES, draft.signers(RELEASES))
  for (const name of ['latest', RELEASED]) collection.sign(name, 'released', { role: RELEASES })
  const states = random.chance(0.5) ? [draft.publish()] : []
  collection.sign('latest', 'released again', { role: RELEASES })
  const [name, apply] = random.pick([...DATE_MUTATIONS, ...SIGNATURE_MUTATIONS].filter(([one]) => BREAKING.test(one)))
  draft.apply(name, RELEASES, apply)
  return [...states, draft.publish()]
}

const BREAKING = /^date: .*years ago$|^signatures: (?:none|zeros|the last gone)$/

const TABLES: readonly (readonly [weight: number, table: readonly Mutation[]])[] = [
  [14, SIGNATURE_MUTATIONS],
  [10, KEY_MUTATIONS],
  [4, SIGNER_MUTATIONS],
  [6, VERSION_MUTATIONS],
  [7, DATE_MUTATIONS],
  [10, DECLARED_MUTATIONS],
  [10, DELEGATION_MUTATIONS],
  [2, TARGET_MUTATIONS],
  [12, TEXT_MUTATIONS],
  [12, CERTIFICATE_MUTATIONS],
  [12, WIRE_MUTATIONS],
  [8, ROTATION_MUTATIONS],
]

/** Applies one mutation, sometimes two. */
function mutate(draft: Draft): void {
  const role = draft.random.pick(
    draft.isNew ? ['root', 'timestamp', 'snapshot', 'targets', 'targets'] : [...draft.roles, 'targets'],
  )
  if (draft.random.chance(0.1)) oddHonest(draft)
  if (draft.random.chance(0.25)) mutateField(draft, role)
  else if (draft.random.chance(0.18)) mutateBytes(draft, role)
  else {
    const [name, apply] = draft.random.pick(draft.random.weighted(TABLES))
    draft.apply(name, role, apply)
  }
  if (draft.random.chance(0.12)) mutate(draft)
}

/** The tamperings of the attack catalogue, on a collection as they need it: every role has version 3, and this state is the fourth. */
function tamperedStates(draft: Draft): State[] {
  const { collection, random } = draft
  const roles = ['targets', RELEASES, 'targets/alice']
  for (const role of roles.slice(1)) draft.delegate(role, { ...draft.signers(role) })
  const states: State[] = []
  const publish = (): void => {
    for (const role of roles) collection.sign('latest', `${role} ${states.length}`, { role })
    if (states.length > 0) collection.setVersion('root', collection.version('root') + 1)
    states.push(draft.publish())
  }
  for (let version = 1; version <= 3; version++) publish()
  const role = random.pick(['root', 'timestamp', 'snapshot', ...roles] as const)
  const { name, tamper } = random.pick(TAMPERINGS.filter(({ not }) => !not?.includes(role as 'targets')))
  draft.did(`named: ${name} (${role})`)
  const { wire, declared, ...spoiling } = tamper
  draft.spoil(role, spoiling as Spoiling)
  if (role === 'timestamp') draft.spoil('snapshot', {})
  if (declared !== undefined) {
    const above = role === 'snapshot' ? 'timestamp' : 'snapshot'
    draft.spoil(above, { before: (signed) => declared(Object(signed['meta'])[role] ?? { length: 0, hashes: {} }) })
  }
  if (wire !== undefined) {
    draft.onWire((files) => {
      for (const file of [...files.keys()].filter((one) => one === role || one === `4.${role}` || one.startsWith(`${role}.`))) {
        const spoiled = typeof wire === 'function' ? wire(files.get(file)) : undefined
        if (spoiled instanceof Uint8Array) files.set(file, spoiled)
        else files.delete(file)
      }
    })
  }
  publish()
  return random.chance(0.5) ? states.slice(2) : states.slice(3)
}

/** Data of the real publisher with one field or some bytes changed. */
function adoptedState(draft: Draft, recorded: ReadonlyMap<string, Recorded>): State[] {
  const { gun, log, random } = draft
  const [folder, state] = random.pick([...recorded])
  const spoilings = new Map<string, Spoiling>()
  const mutations = [`honest: the documents of ${folder}`]
  // It accepts mutations like a draft, and applies them to the adopted documents.
  const recorder = Object.assign(Object.create(draft), {
    spoil: (role: string, spoiling: Spoiling) => void spoilings.set(role, spoiling),
    did: (mutation: string) => void mutations.push(mutation),
  }) as Draft
  if (random.chance(0.8)) {
    const role = random.pick([...state.keys()])
    if (random.chance(0.7)) mutateField(recorder, role)
    else mutateBytes(recorder, role)
  }
  return [adopt(state, { gun, log, spoilings, mutations })]
}

/** A name, usually an existing one. */
function chooseTarget(random: Random, states: readonly State[]): string {
  if (random.chance(0.05)) return random.pick(['absent', 'LATEST', ...NAMES])
  const files = [...(states.at(-1)?.files ?? new Map<string, Uint8Array>())]
  const names = files
    .filter(([name]) => name === 'targets' || /^targets(?:\/[a-z0-9]+)+$/.test(name))
    .flatMap(([, file]) => targetsOf(file))
  return random.chance(0.5) || names.length === 0 ? 'latest' : random.pick(names)
}

function targetsOf(file: Uint8Array): string[] {
  try {
    const targets: Record<string, TargetDocument> | null = JSON.parse(Buffer.from(file).toString()).signed.targets
    return Object.keys(targets ?? {}).filter((name) => !name.startsWith('-'))
  } catch {
    return []
  }
}
