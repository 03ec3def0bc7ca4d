/** Changes of a file as `diff -u` and git write them. */
import { FILE_HEADERS_ONLY, formatPatch, structuredPatch } from 'diff'

/** Lines around a change. */
const CONTEXT = 3

/** A patch that `git apply` and `patch -p1` take; empty when nothing differs. */
export function unifiedDiff(path: string, before: string, after: string): string {
  if (before === after) return ''
  const name = path.replace(/^(?:\.?\/)+/, '')
  return formatPatch(
    structuredPatch(`a/${name}`, `b/${name}`, before, after, undefined, undefined, { context: CONTEXT }),
    FILE_HEADERS_ONLY,
  )
}
