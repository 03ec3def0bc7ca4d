/** Colours, for a terminal alone. */
import { styleText } from 'node:util'

/** Styles that reports use. */
export type Style = 'bold' | 'dim' | 'green' | 'yellow' | 'red'

/** The text in a style, or as it is. */
export type Paint = (style: Style, text: string) => string

/** What decides over colours. */
export interface ColorSettings {
  /** `auto`, `always`; anything else is never. */
  readonly choice: string
  /** Whether the text goes to a terminal. */
  readonly terminal: boolean
  readonly env: Readonly<Record<string, string | undefined>>
}

/** `--color`, else FORCE_COLOR, else NO_COLOR, else whether it is a terminal that knows colours. Empty variables count as not set. */
export function painter({ choice, terminal, env }: ColorSettings): Paint {
  return isColored(choice, terminal, env) ? (style, text) => styleText(style, text, { validateStream: false }) : (_, text) => text
}

function isColored(choice: string, terminal: boolean, env: ColorSettings['env']): boolean {
  if (choice !== 'auto') return choice === 'always'
  const forced = env['FORCE_COLOR'] ?? ''
  if (forced !== '') return forced !== '0' && forced !== 'false'
  if ((env['NO_COLOR'] ?? '') !== '') return false
  return terminal && env['TERM'] !== 'dumb'
}
