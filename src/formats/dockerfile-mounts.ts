/** `from` of `RUN --mount`: moby/buildkit frontend/dockerfile/instructions/commands_runmount.go `parseMount`. */
import { cutWord, type Word } from './dockerfile-lines.js'
import type { Flag } from './dockerfile-words.js'

/** The sources that a mount names; BuildKit reads the value as one CSV record of `key=value`. */
export function readMountSources({ value, isUnclear }: Flag): { readonly sources: readonly Word[]; readonly problem?: string } {
  if (value === undefined) return { sources: [], problem: 'write --mount=type=...,from=...' }
  if (isUnclear || value.text.includes('"')) {
    return { sources: [], problem: 'write the mount without escape characters and without quotes inside' }
  }
  const sources: Word[] = []
  for (const { 0: field, index } of value.text.matchAll(/[^,]+/g)) {
    const equals = field.indexOf('=')
    const key = field.slice(0, Math.max(0, equals)).toLowerCase()
    if (key === 'from') sources.push(cutWord(value, index + equals + 1, index + field.length))
    else if (key.trim() === 'from') return { sources: [], problem: 'white space around the key from, which Docker refuses' }
  }
  return { sources }
}
