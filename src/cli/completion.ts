/** `dct completion bash|zsh|fish` */

import { EXIT, type Io } from './io.js'
import type { CommandLine } from './options.js'
import { bashScript } from './shells/bash.js'
import { fishScript } from './shells/fish.js'
import { zshScript } from './shells/zsh.js'

const SCRIPTS = new Map([
  ['bash', bashScript],
  ['zsh', zshScript],
  ['fish', fishScript],
])

/** The exit status. */
export async function completion({ words: [shell = ''] }: CommandLine, { out }: Io): Promise<number> {
  const script = SCRIPTS.get(shell)
  if (script === undefined) throw new Error('the table of commands and the scripts name different shells')
  out(script())
  return EXIT.ok
}
