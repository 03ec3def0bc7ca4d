/** Colours of what goes to standard output. */
import { type Paint, painter } from '../report/colors.js'
import { choice } from './client-options.js'
import type { Io } from './io.js'
import type { CommandLine } from './options.js'
import { OPTIONS } from './options.js'

/** @throws UsageError ERR_SETTINGS_INVALID when `--color` has another value than those it takes */
export function paintFor({ values }: CommandLine, { screen, env }: Io): Paint {
  return painter({ choice: choice('color', values.color ?? 'auto', OPTIONS.color.choices), terminal: screen !== undefined, env })
}
