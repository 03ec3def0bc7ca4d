/**
 * Images of a Dockerfile. Stages and names: moby/buildkit frontend/dockerfile/dockerfile2llb/convert.go and
 * frontend/dockerfile/instructions.
 */
import { type Expanded, GlobalArgs, type Writable } from './dockerfile-args.js'
import {
  type DockerfileText,
  type Instruction,
  KEYWORDS,
  readDockerfileLines,
  splitKeyword,
  type Word,
} from './dockerfile-lines.js'
import { readMountSources } from './dockerfile-mounts.js'
import { findFrontend } from './dockerfile-syntax.js'
import { type Flag, readArguments, readAssignments, readFlags, shapeOf, slotOf, spanOf } from './dockerfile-words.js'
import { ignoredLines } from './ignored-lines.js'
import type { FindOptions, ImageUse, ImageUseKind, Remark, Span } from './image-use.js'
import { MAX_USES } from './limits.js'
import { canonicalName, meaning } from './meaning.js'

/** What a Dockerfile, or one inside another file, uses. */
export interface DockerfileImages {
  readonly uses: readonly ImageUse[]
  readonly problems: readonly Remark[]
}

const STAGE_NAME = /^[a-z][a-z0-9\-_.]*$/

/**
 * Finds the images of a Dockerfile.
 *
 * @throws UsageError ERR_SETTINGS_INVALID when the file cannot be cut into instructions
 */
export function findInDockerfile(file: DockerfileText, options: FindOptions): DockerfileImages {
  const frontend = findFrontend(file, options)
  if (frontend.isOtherLanguage) return { uses: frontend.uses, problems: frontend.problems }
  const reader = new DockerfileReader(file, options)
  const found = reader.read()
  return { uses: [...frontend.uses, ...found.uses], problems: [...frontend.problems, ...found.problems] }
}

type Draft = Omit<ImageUse, 'place' | 'written' | 'ignored' | 'reason' | 'slot'> & {
  readonly span: Span
  readonly writable: Writable
}

class DockerfileReader {
  readonly #file: DockerfileText
  /** Names that are given as contexts, in full spelling too. */
  readonly #contexts: ReadonlySet<string>
  readonly #instructions: readonly Instruction[]
  readonly #escape: string
  readonly #isIgnored: (span: Span) => boolean
  readonly #args: GlobalArgs
  readonly #drafts: Draft[] = []
  readonly #problems: Remark[] = []
  /** Names of stages so far. */
  readonly #stages = new Set<string>()
  /** Names of all stages. */
  readonly #allStages: ReadonlySet<string>
  #stageCount = 0

  constructor(file: DockerfileText, options: FindOptions) {
    const lines = readDockerfileLines(file)
    this.#file = file
    this.#contexts = new Set([...(options.contexts ?? [])].flatMap((name) => [name, canonicalName(name) ?? name]))
    this.#instructions = lines.instructions
    this.#escape = lines.escape
    this.#isIgnored = ignoredLines(file.source, lines.comments)
    this.#args = new GlobalArgs(lines.escape, options)
    this.#allStages = new Set(this.#instructions.flatMap((instruction) => this.#stageName(instruction) ?? []))
  }

  read(): DockerfileImages {
    for (const instruction of this.#instructions) this.#readInstruction(instruction)
    if (this.#stageCount === 0) {
      const start = this.#file.toSource(0)
      this.#problems.push({
        place: this.#file.source.place({ start, end: start }),
        reason: 'no FROM: Docker builds nothing from this',
      })
    }
    return { uses: this.#drafts.map((draft) => this.#finished(draft)), problems: this.#problems }
  }

  #problem(word: Word, reason: string): void {
    this.#problems.push({ place: this.#file.source.place(spanOf(word)), reason })
  }

  #readInstruction(instruction: Instruction): void {
    const { keyword } = instruction
    const { flags, rest } = readFlags(splitKeyword(instruction).rest)
    this.#checkFlags(flags)
    if (!KEYWORDS.has(keyword)) {
      this.#problem(instruction, `${keyword.slice(0, 40)} is no instruction`)
      return
    }
    if (keyword === 'from') {
      this.#readFrom(instruction, flags, rest)
      return
    }
    if (keyword === 'arg') {
      this.#readArg(rest)
      return
    }
    if (this.#stageCount === 0) {
      this.#problem(instruction, `${keyword.toUpperCase()} before the first FROM`)
      return
    }
    if (keyword === 'onbuild') {
      this.#readTrigger(instruction, rest)
      return
    }
    this.#readSources(keyword, flags, false)
  }

  #checkFlags(flags: readonly Flag[]): void {
    for (const { whole, isAscii } of flags)
      if (!isAscii) this.#problem(whole, 'write options in ASCII: Docker may split them elsewhere')
  }

  #readArg(rest: Word): void {
    const isGlobal = this.#stageCount === 0
    for (const assignment of readAssignments(rest, this.#escape)) {
      if (isGlobal) this.#args.declare(assignment)
      // In a stage, a name without a value takes the global one, for whatever the stage does with it.
      else if (assignment.value === undefined) this.#args.keep({ text: `$${assignment.name}`, at: [] })
    }
  }

  #stageName(instruction: Instruction): string | undefined {
    if (instruction.keyword !== 'from') return undefined
    const [, as, name] = readArguments(readFlags(splitKeyword(instruction).rest).rest)
    return as?.text.toLowerCase() === 'as' ? name?.text.toLowerCase() : undefined
  }

  #readFrom(instruction: Instruction, flags: readonly Flag[], rest: Word): void {
    this.#stageCount++
    const [base, as, name, ...more] = readArguments(rest)
    const stage = name?.text.toLowerCase()
    const isNamed = as?.text.toLowerCase() === 'as' && stage !== undefined && more.length === 0
    if (base === undefined || (as !== undefined && !isNamed)) {
      const comment = as?.text.startsWith('#') ? '; a # here does not begin a comment' : ''
      this.#problem(instruction, `FROM takes an image, or an image, AS and a name${comment}`)
      return
    }
    const unknown = flags.find((flag) => flag.name !== 'platform' || flag.value === undefined || flag.isUnclear)
    if (unknown !== undefined) this.#problem(unknown.whole, 'an option of FROM that is not understood')
    if (stage !== undefined && !STAGE_NAME.test(stage)) this.#problem(name ?? instruction, 'a stage cannot have this name')
    this.#readBase(base, flags.find((flag) => flag.name === 'platform')?.value)
    if (stage !== undefined) this.#stages.add(stage)
  }

  #readBase(base: Word, platform: Word | undefined): void {
    const expanded = this.#args.expand(base)
    const isStage = expanded.value !== undefined && this.#stages.has(expanded.value.toLowerCase())
    if (platform !== undefined) this.#args.keep(platform)
    if (isStage || expanded.value === 'scratch' || this.#isContext(expanded.value)) {
      this.#args.keep(base)
      return
    }
    const known = platform === undefined ? undefined : this.#args.expand(platform)
    this.#add('from', base, expanded, known?.value ?? platform?.text)
  }

  /** ONBUILD runs in other builds, whose stages are not known here. */
  #readTrigger(instruction: Instruction, rest: Word): void {
    const { keyword, rest: args } = splitKeyword(rest)
    if (['onbuild', 'from', 'maintainer'].includes(keyword) || !KEYWORDS.has(keyword)) {
      this.#problem(instruction, `Docker does not allow ONBUILD ${keyword.slice(0, 40).toUpperCase()}`)
      return
    }
    const { flags } = readFlags(args)
    this.#checkFlags(flags)
    this.#readSources(keyword, flags, true)
  }

  #readSources(keyword: string, flags: readonly Flag[], isTrigger: boolean): void {
    for (const flag of flags) {
      if (flag.name === 'from' && keyword === 'copy') this.#readSource('copy-from', flag, flag.value, isTrigger)
      else if (flag.name === 'from') this.#problem(flag.whole, `${keyword.toUpperCase()} has no option --from`)
      else if (flag.name === 'mount' && keyword === 'run') {
        const { sources, problem } = readMountSources(flag)
        if (problem !== undefined) this.#problem(flag.whole, problem)
        for (const source of sources) this.#readSource('mount-from', flag, source, isTrigger)
      }
    }
  }

  #readSource(kind: ImageUseKind, flag: Flag, value: Word | undefined, isTrigger: boolean): void {
    if (value === undefined || flag.isUnclear) {
      this.#problem(flag.whole, 'write --from=IMAGE, without escape characters')
      return
    }
    const name = value.text
    if (name === '' || this.#isContext(name)) return
    if (name.includes('$')) {
      this.#problem(value, 'Docker replaces no variables here: name a stage FROM the variable instead')
      return
    }
    if (name === 'scratch') {
      if (kind === 'copy-from') this.#problem(value, 'scratch is no image that can be copied from')
      return
    }
    if (/^[+-]?[0-9]+$/.test(name)) {
      this.#readStageNumber(kind, value, isTrigger)
      return
    }
    const isStage = this.#allStages.has(name.toLowerCase())
    if (isTrigger && STAGE_NAME.test(name.toLowerCase())) {
      this.#add(kind, value, {
        reason: `${name} may be a stage of the build that uses this image: write a tag if it is an image`,
      })
      return
    }
    if (isStage && !this.#stages.has(name.toLowerCase())) {
      this.#add(kind, value, { reason: `the stage ${name} comes later: whether it is meant depends on the builder` })
      return
    }
    if (isStage) return
    const slot = slotOf(value)
    const writable = slot === undefined ? { reason: 'written over several lines: join them, then pin' } : { slot, through: [] }
    this.#add(kind, value, { value: name, writable })
  }

  #readStageNumber(kind: ImageUseKind, value: Word, isTrigger: boolean): void {
    if (kind === 'mount-from') {
      this.#problem(value, 'a mount names a stage by its name, not by a number')
      return
    }
    const number = Number(value.text)
    if (!isTrigger && !(number >= 0 && number < this.#stageCount - 1)) this.#problem(value, 'no earlier stage has this number')
  }

  #isContext(name: string | undefined): boolean {
    if (name === undefined || this.#contexts.size === 0) return false
    return this.#contexts.has(name) || this.#contexts.has(canonicalName(name) ?? name)
  }

  #add(kind: ImageUseKind, word: Word, expanded: Expanded, platform?: string): void {
    const { reference, reason } = expanded.value === undefined ? { reason: expanded.reason } : meaning(expanded.value)
    const writable = reference !== undefined && expanded.value !== undefined ? expanded.writable : { reason: reason ?? '' }
    const shape = shapeOf(word)
    if (this.#drafts.length >= MAX_USES) throw this.#file.source.tooLarge(spanOf(word).start, `more than ${MAX_USES} images`)
    this.#drafts.push({
      kind,
      span: spanOf(shape.kind === 'literal' ? shape.literal : word),
      ...(reference === undefined ? {} : { reference }),
      writable,
      ...(platform === undefined ? {} : { platform }),
    })
  }

  #finished({ span, writable, ...use }: Draft): ImageUse {
    const settled = this.#args.settle(writable)
    const { source } = this.#file
    return {
      ...use,
      place: source.place(span),
      written: source.text.slice(span.start, span.end),
      ...(settled.slot === undefined ? { reason: settled.reason } : { slot: settled.slot }),
      ignored: this.#isIgnored(span) || (settled.slot !== undefined && this.#isIgnored(settled.slot)),
    }
  }
}
