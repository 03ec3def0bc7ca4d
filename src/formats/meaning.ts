/** What a text means as an image reference. */
import { UsageError } from '../errors.js'
import { parseReference } from '../reference/reference.js'

/** The reference when the text is one, else the reason why it is none. */
export function meaning(
  text: string,
): { readonly reference: string; readonly reason?: never } | { readonly reference?: never; readonly reason: string } {
  try {
    return { reference: parseReference(text).reference }
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    return {
      reason: /\{\{|\$\{\{|<%/.test(text)
        ? 'a template: render it first, then run the same command on the result'
        : error.message,
    }
  }
}

/** The full spelling of a reference; undefined when the text is none. */
export function canonicalName(text: string): string | undefined {
  if (meaning(text).reference === undefined) return undefined
  const { gun, tag, digest } = parseReference(text)
  return `${gun}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`
}
