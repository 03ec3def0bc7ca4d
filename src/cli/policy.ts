/** `dct policy init`, `explain`, `check` and `import`. None of them asks a server. */
import { askedNames } from '../client/refresh-terms.js'
import { givenPolicy, readPolicy, readPolicyBytes } from '../client/settings/policy-settings.js'
import type { DocumentNode } from '../document/document.js'
import { Faults } from '../document/faults.js'
import { UsageError } from '../errors.js'
import { policyRemarks } from '../policy/check.js'
import { PolicyIndex } from '../policy/decide.js'
import { type Explanation, explain, explanationLines } from '../policy/explain.js'
import { firstPolicy } from '../policy/first-policy.js'
import { IMPORT_KINDS, importPolicy } from '../policy/import/import-policy.js'
import { canonicalName } from '../policy/names.js'
import { MAX_POLICY_BYTES, newPolicyFaults } from '../policy/parse-policy.js'
import { requirementText } from '../policy/signers.js'
import { parseReference } from '../reference/reference.js'
import { EXIT, type Io } from './io.js'
import type { CommandLine } from './options.js'
import { Speaker } from './output.js'

/** Something of the other program's configuration was lost. */
const INCOMPLETE = 1

/** Prints a policy to start with. The exit status. @throws UsageError ERR_REFERENCE_INVALID */
export async function policyInit({ words }: CommandLine, io: Io): Promise<number> {
  io.out(firstPolicy(words.map((word) => canonicalName(parseReference(word).gun))))
  return EXIT.ok
}

/** Prints which rule decides over an image. The exit status. */
export async function policyExplain(line: CommandLine, io: Io): Promise<number> {
  const { words, values } = line
  const [reference = ''] = words
  const file = givenPolicy(values.policy === undefined ? {} : { policy: values.policy }, io.env)
  if (typeof file !== 'string')
    throw new UsageError('ERR_SETTINGS_INVALID', 'there is no policy to explain', {
      hint: 'Name its file: dct policy explain --policy policy.yaml REFERENCE, or set DCT_POLICY.',
    })
  const index = new PolicyIndex(await readPolicy(file))
  tellExplanation(file, explained(index, reference), new Speaker(io, line), values.json)
  return EXIT.ok
}

/** Prints what is wrong or without effect in a policy, and explains images by it. The exit status. */
export async function policyCheck(line: CommandLine, io: Io): Promise<number> {
  const [file = '', ...references] = line.words
  const { json = false } = line.values
  const speaker = new Speaker(io, line)
  const faults = newPolicyFaults(file)
  const policy = await readPolicy(file, faults).catch((error: unknown) => {
    if (!faults.any) throw error
  })
  if (policy === undefined) {
    tellFaults(faults, speaker, json)
    return EXIT.usage
  }
  for (const remark of policyRemarks(policy)) {
    const { line: at, column, problem, hint } = remark
    if (json) speaker.json({ status: 'warning', file, ...remark })
    else speaker.warning({ message: `${file}:${at}:${column}: ${problem}. ${hint}` })
  }
  const index = new PolicyIndex(policy)
  for (const reference of references) tellExplanation(file, explained(index, reference), speaker, json)
  const { length } = policy.rules
  speaker.note(`${file}: ${length === 1 ? '1 rule' : `${length} rules`}, nothing is wrong`)
  return EXIT.ok
}

/** By the names that `dct verify` asks for. @throws UsageError ERR_REFERENCE_INVALID */
function explained(index: PolicyIndex, typed: string): Explanation {
  const reference = parseReference(typed)
  return explain(index, reference, askedNames(reference, index.policy.mirrors, index.policy))
}

/** Each fault is an error of its own, with its own hint. */
function tellFaults({ what, file, list, count }: Faults, speaker: Speaker, json: boolean): void {
  for (const fault of list) {
    const { line, column, path, problem, hint } = fault
    if (json) speaker.json({ status: 'failed', file, ...fault })
    const message = `${what} ${file}:${line}:${column}: ${path === '' ? '' : `${path}: `}${problem}`
    speaker.error(new UsageError('ERR_SETTINGS_INVALID', message, { hint }))
  }
  if (count > list.length) speaker.always(`and ${count - list.length} more faults`)
}

/** Prints a policy made from the configuration of another program. The exit status: 1 when something was lost. */
export async function policyImport(line: CommandLine, io: Io): Promise<number> {
  const [word = '', file = ''] = line.words
  const kind = IMPORT_KINDS.find((one) => one === word)
  if (kind === undefined)
    throw new UsageError('ERR_SETTINGS_INVALID', `dct policy import knows no ${JSON.stringify(word)}`, {
      hint: `Type one of: ${IMPORT_KINDS.map((one) => `dct policy import ${one} FILE`).join(', ')}`,
    })
  const speaker = new Speaker(io, line)
  const { text, warnings, isComplete } = importPolicy(kind, await readDocuments(kind, file))
  io.out(text)
  for (const { line: at, column, text: message } of warnings) speaker.warning({ message: `${file}:${at}:${column}: ${message}` })
  return isComplete ? EXIT.ok : INCOMPLETE
}

/** @throws UsageError ERR_SETTINGS_INVALID */
async function readDocuments(kind: string, file: string): Promise<[DocumentNode, ...DocumentNode[]]> {
  const faults = new Faults(`configuration of ${kind}`, file)
  const { readYamlDocuments } = await import('../document/yaml-document.js')
  const [first, ...more] = readYamlDocuments(await readPolicyBytes(file), MAX_POLICY_BYTES, faults) ?? []
  if (first === undefined) throw faults.error()
  return [first, ...more]
}

function tellExplanation(file: string, explanation: Explanation, speaker: Speaker, json = false): void {
  if (!json) {
    speaker.answer([explanation.reference, ...explanationLines(file, explanation).map((one) => `  ${one}`)].join('\n'))
    return
  }
  const { reference, names, tag, byTag, digestToo, decision, overruled, close } = explanation
  const { pinnings, requireSigners, serverMatch: _, asked, ...rest } = decision
  speaker.json({
    reference,
    names,
    ...(tag === undefined ? {} : { tag }),
    byTag,
    ...(digestToo === undefined ? {} : { digestToo: { match: digestToo.match, action: digestToo.action } }),
    ...rest,
    pinned: pinnings.flatMap(({ certs, ca }) => [...certs.keys(), ...ca.keys()]),
    requireSigners: requireSigners.map(requirementText),
    asked,
    overruled: overruled.map(({ pattern, place }) => ({ match: pattern.text, line: place.line })),
    close: close.map(({ rule, because }) => ({ match: rule.pattern.text, line: rule.place.line, because })),
  })
}
