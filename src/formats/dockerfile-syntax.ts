/** The image of the frontend that reads a Dockerfile: moby/buildkit frontend/dockerfile/parser/directives.go `DetectSyntax`. */
import { DIRECTIVE, DIRECTIVES, type DockerfileText, indentOf } from './dockerfile-lines.js'
import type { FindOptions, ImageUse, Remark } from './image-use.js'
import { meaning } from './meaning.js'

/** Whose frontend reads the file, and whether the file is a Dockerfile at all. */
export interface Frontend {
  readonly uses: readonly ImageUse[]
  readonly problems: readonly Remark[]
  /** True when the directive has a form that no Dockerfile can begin with. */
  readonly isOtherLanguage: boolean
}

/** The build argument that takes the place of the directive: frontend/dockerfile/builder/build.go. */
export const SYNTAX_ARGUMENT = 'BUILDKIT_SYNTAX'
/** Why a frontend leaves it open which images are used. */
export const OTHER_FRONTEND = 'another frontend than docker/dockerfile reads this file: which images it uses is not known'
const DOCKERFILE_FRONTEND = /(?:^|\/)dockerfile(?:-upstream)?$/

/**
 * Finds `# syntax=IMAGE`, behind a `#!` line too; or the forms `// syntax=IMAGE` and `{"syntax": "IMAGE"}`. A build argument takes
 * the place of all of them.
 */
export function findFrontend(file: DockerfileText, { buildArgs }: FindOptions): Frontend {
  const given = buildArgs?.get(SYNTAX_ARGUMENT)
  if (given !== undefined) return givenFrontend(file, given)
  const start = file.text.startsWith('\ufeff') ? 1 : 0
  const shebang = file.text.startsWith('#!', start) ? file.text.indexOf('\n', start) + 1 : start
  const first = shebang === 0 && start === 0 && file.text.startsWith('#!') ? file.text.length : shebang
  const hash = directiveAt(file.text, first, '#')
  const at = hash ?? directiveAt(file.text, first, '//') ?? jsonAt(file.text, first)
  if (at === undefined) return { uses: [], problems: [], isOtherLanguage: false }
  const [from, to] = at
  const span = { start: file.toSource(from), end: file.toSource(from) + to - from }
  const place = file.source.place(span)
  const written = file.text.slice(from, to)
  const meant = meaning(written)
  const isPlain = file.source.text.slice(span.start, span.end) === written
  const slot = { ...span, holds: 'reference' as const, before: '', after: '' }
  const use: ImageUse = {
    kind: 'frontend',
    place,
    written,
    ...meant,
    ...(meant.reference === undefined ? {} : isPlain ? { slot } : { reason: 'the directive is not written as it is read' }),
    ignored: false,
  }
  const problems = hash !== undefined && isDockerfileFrontend(written) ? [] : [{ place, reason: OTHER_FRONTEND }]
  return { uses: [use], problems, isOtherLanguage: hash === undefined }
}

/** The image is the first word, as with the directive. */
function givenFrontend(file: DockerfileText, given: string): Frontend {
  const start = file.toSource(file.text.startsWith('\ufeff') ? 1 : 0)
  const place = file.source.place({ start, end: start })
  const image = given.trim().split(' ')[0] ?? ''
  const reason = `the image comes from the build argument ${SYNTAX_ARGUMENT}: pin it there`
  const use: ImageUse = { kind: 'frontend', place, written: '', reason, ...meaning(image), ignored: false }
  const problems = isDockerfileFrontend(image) ? [] : [{ place, reason: OTHER_FRONTEND }]
  return { uses: [use], problems, isOtherLanguage: false }
}

/** True for the frontend of Docker, from any registry. */
export function isDockerfileFrontend(written: string): boolean {
  return DOCKERFILE_FRONTEND.test(written.replace(/(?::[^/]*|@.*)$/, '').replace(/:[^/]*$/, ''))
}

/** The first word behind `syntax=`, among the directives at the top. */
function directiveAt(text: string, start: number, mark: string): readonly [number, number] | undefined {
  const seen = new Set<string>()
  for (let lineStart = start; lineStart < text.length; ) {
    const feed = text.indexOf('\n', lineStart)
    const line = text.slice(lineStart, feed === -1 ? text.length : feed)
    if (!line.startsWith(mark)) return undefined
    const body = line.slice(mark.length + indentOf(line.slice(mark.length)))
    const [, name = '', equals = '', value = ''] = DIRECTIVE.exec(body) ?? []
    const key = name.toLowerCase()
    if (!DIRECTIVES.has(key) || seen.has(key)) return undefined
    seen.add(key)
    if (key === 'syntax') {
      const from = lineStart + line.length - body.length + name.length + equals.length
      return [from, from + (value.split(' ')[0] ?? '').length]
    }
    if (feed === -1) return undefined
    lineStart = feed + 1
  }
  return undefined
}

/** A JSON object with the key `syntax`, whose value is written without escapes. */
function jsonAt(text: string, start: number): readonly [number, number] | undefined {
  if (!text.slice(start).trimStart().startsWith('{')) return undefined
  const value = jsonSyntax(text.slice(start))
  if (value === undefined) return undefined
  const quoted = text.indexOf(JSON.stringify(value), start)
  return quoted === -1 ? [start, start] : [quoted + 1, quoted + 1 + value.length]
}

function jsonSyntax(text: string): string | undefined {
  try {
    const object: unknown = JSON.parse(text)
    const value =
      typeof object === 'object' && object !== null ? new Map<string, unknown>(Object.entries(object)).get('syntax') : undefined
    return typeof value === 'string' ? value : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
