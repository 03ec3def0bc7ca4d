/**
 * Pulls what was verified: the engine's own client pulls by digest, then tags. In docker's words and order (docker/cli 28
 * cli/command/image/pull.go, trust.go), so that what reads them goes on. A tag is touched only after its pull succeeded.
 */
import type { PermittedResult, SkippedResult, VerifyResult, Warning } from '../client/results.js'
import type { TrustClient } from '../client/trust-client.js'
import { type EngineOptions, type EngineOutput, runEngine } from '../engine/engine.js'
import { UnsignedError, UntrustedError, UsageError } from '../errors.js'
import { type ImageReference, parseReference } from '../reference/reference.js'

/** What is to be pulled, and with which client of which engine. */
export interface PullRequest {
  /** As typed. */
  readonly reference: string
  /** Every released tag of the repository. */
  readonly allTags: boolean
  /** As docker's -q: the engine's progress is not shown. */
  readonly quiet: boolean
  /** Passed on: `linux/arm64`. */
  readonly platform?: string
  readonly engine: EngineOptions
}

/** Where lines go. Each call is one line without its end. */
export interface PullLines {
  /** Standard output. */
  readonly out: (line: string) => void
  /** Standard error, in docker's words. */
  readonly err: (line: string) => void
  /** What does not keep an answer from being trusted, and what was not asked. */
  readonly warn: (warning: Pick<Warning, 'message'> & Partial<Warning>) => void
  /** Whether standard output is a terminal: the engine then draws its progress on it. */
  readonly terminal: boolean
}

/** An image to be pulled, and the tag that it gets. */
interface Wanted {
  readonly tag: string
  readonly digest: string
}

/** What was verified, so that a caller can end what it shows of that before the engine begins. */
export interface VerifiedPull {
  /** Pulls and tags. The exit status: 0, or that of the engine's client that failed. */
  run(): Promise<number>
}

/**
 * Verifies, and gives what pulls. Nothing is pulled when any of it fails.
 *
 * @throws TrustError of any kind
 */
export async function verifyPull(client: TrustClient, request: PullRequest, lines: PullLines): Promise<VerifiedPull> {
  const parsed = parseReference(request.reference)
  if (request.allTags) return verifyAll(client, parsed, request, lines)
  if (parsed.tagDefaulted && !request.quiet) lines.out(`Using default tag: ${parsed.tag}`)
  const result = await client.verifyTag(request.reference)
  if (result.status === 'permitted' || result.status === 'skipped') {
    lines.warn({ message: unverifiedText(result, 'pulled') })
    return { run: () => pullUnverified(request, lines) }
  }
  const digest = digestToPull(result, lines)
  return {
    run: () =>
      parsed.digest === undefined && parsed.tag !== undefined
        ? pullEach(parsed, [{ tag: parsed.tag, digest }], `${parsed.gun}:${parsed.tag}`, request, lines)
        : pullDigest(parsed, request, lines),
  }
}

/** What a policy lets pass, and what is done with it. */
export function unverifiedText(result: PermittedResult | SkippedResult, done: 'pulled' | 'used'): string {
  const { reference, policy } = result
  const why = result.status === 'permitted' ? `: ${result.error.message} (${result.error.code})` : ''
  return `${reference} is ${done} without a verification: the policy says ${policy.action} (${policy.match})${why}`
}

/** Without content trust: what was typed, as it was typed. The exit status of the engine's client. */
export async function pullUnverified({ reference, allTags, ...request }: PullRequest, lines: PullLines): Promise<number> {
  parseReference(reference) // it must not pass for an option of the engine's client
  const options = [...(allTags ? ['--all-tags'] : []), ...(request.quiet ? ['--quiet'] : [])]
  return runEngine(request.engine, ['pull', ...options, ...platformOption(request), reference], shown(lines))
}

async function verifyAll(
  client: TrustClient,
  parsed: ImageReference,
  request: PullRequest,
  lines: PullLines,
): Promise<VerifiedPull> {
  if (!parsed.tagDefaulted) {
    throw new UsageError('ERR_REFERENCE_INVALID', "tag can't be used with --all-tags/-a", {
      hint: `Type one of: dct pull ${request.reference}, or: dct pull -a ${parsed.familiarName}`,
    })
  }
  const { tags } = await client.listTags(parsed.gun)
  const usable: string[] = []
  for (const { tag, digest } of tags) {
    if (digest === undefined) lines.err(`Skipping target for ${JSON.stringify(parsed.familiarName)}`)
    else usable.push(`${parsed.gun}:${tag}`)
  }
  if (usable.length === 0) {
    throw new UnsignedError('ERR_TAG_NOT_SIGNED', `No trusted tags for ${parsed.gun}`, {
      gun: parsed.gun,
      hint: `The collection is signed, but none of its tags is released. What it holds: dct tree ${parsed.familiarName}`,
    })
  }
  const wanted: Wanted[] = []
  const told = onceEach(lines)
  // Each tag is judged by itself: what is asked of one may not be asked of another.
  for await (const outcome of client.verifyTags(usable)) {
    if ('error' in outcome) throw outcome.error
    const { reference, result } = outcome
    if (result.status === 'permitted') throw result.error
    if (result.status === 'skipped') throw notAllVerified(result, parsed)
    wanted.push({ tag: reference.slice(parsed.gun.length + 1), digest: digestToPull(result, told) })
  }
  return { run: () => pullEach(parsed, wanted, parsed.gun, request, lines) }
}

/** Without a verification there is no digest, and `--all-tags` pulls digests alone. */
function notAllVerified({ reference, policy }: SkippedResult, { familiarName }: ImageReference): UnsignedError {
  const message = `${reference} is not verified: the policy says ${policy.action} (${policy.match})`
  return new UnsignedError('ERR_POLICY_DENIED', message, {
    hint: `--all-tags pulls verified tags alone. Pull one tag at a time: dct pull ${familiarName}:TAG`,
  })
}

/** The same lines, without warnings that were told already. */
function onceEach(lines: PullLines): PullLines {
  const told = new Set<string>()
  const warn: PullLines['warn'] = (warning) => {
    if (!told.has(warning.message)) lines.warn(warning)
    told.add(warning.message)
  }
  return { ...lines, warn }
}

/** Only these statuses name a digest to be pulled, whatever others there are. @throws UntrustedError ERR_ROOT_UNTRUSTED */
export function digestToPull(result: VerifyResult, { warn }: Pick<PullLines, 'warn'>): string {
  switch (result.status) {
    case 'trusted':
    case 'trusted-digest':
      for (const warning of result.warnings) warn(warning)
      return result.digest
    case 'by-digest':
      warn({ message: `${result.reference} was not verified: digest references are accepted as they are` })
      return result.digest
    default:
      throw new UntrustedError('ERR_ROOT_UNTRUSTED', `${result.reference} was not verified: ${result.status}`, {
        hint: `Insist on a verification: dct pull --disable-content-trust=false ${result.reference}`,
      })
  }
}

async function pullEach(
  parsed: ImageReference,
  wanted: readonly Wanted[],
  name: string,
  request: PullRequest,
  lines: PullLines,
): Promise<number> {
  const { familiarName, gun } = parsed
  for (const [index, { tag, digest }] of wanted.entries()) {
    lines.out(`Pull (${index + 1} of ${wanted.length}): ${familiarName}:${tag}@${digest}`)
    const pulled = await pullByDigest(`${gun}@${digest}`, request, lines)
    if (pulled !== 0) return pulled
    lines.err(`Tagging ${familiarName}@${digest} as ${familiarName}:${tag}`)
    const tagged = await runEngine(request.engine, ['tag', `${gun}@${digest}`, `${gun}:${tag}`], shown(lines))
    if (tagged !== 0) return tagged
  }
  lines.out(name)
  return 0
}

/** As docker: a reference with a digest gets no tag. */
async function pullDigest(parsed: ImageReference, request: PullRequest, lines: PullLines): Promise<number> {
  const { gun, tag, digest } = parsed
  const status = await pullByDigest(`${gun}@${digest}`, request, lines)
  if (status === 0) lines.out(`${gun}${tag === undefined ? '' : `:${tag}`}@${digest}`)
  return status
}

/** `docker pull` ends with the name that it was given. Ours comes last instead, so theirs is left out. */
function pullByDigest(canonical: string, request: PullRequest, lines: PullLines): Promise<number> {
  const withoutName: PullLines = { ...lines, out: (line) => (line === canonical ? undefined : lines.out(line)) }
  const output = request.quiet ? 'ignore' : shown(withoutName)
  return runEngine(request.engine, ['pull', ...platformOption(request), canonical], output)
}

/** On a terminal the engine draws by itself. */
function shown({ out, terminal }: PullLines): EngineOutput {
  return terminal ? 'inherit' : out
}

function platformOption({ platform }: Pick<PullRequest, 'platform'>): string[] {
  return platform === undefined ? [] : [`--platform=${platform}`]
}
