/** A Dockerfile within a Compose file: `build.dockerfile_inline`. */
import { type Node, Scalar } from 'yaml'
import type { DockerfileText } from './dockerfile-lines.js'
import type { SourceText } from './source-text.js'

/**
 * The text of a literal block scalar and the place of each of its characters. Compose replaces `$` variables in it before
 * the builder sees it, even parts of instructions: only `$$`, which becomes a dollar, is taken.
 */
export function embeddedDockerfile(source: SourceText, node: Node): DockerfileText | { readonly reason: string } {
  if (!(node instanceof Scalar) || typeof node.value !== 'string') return { reason: 'not a text' }
  if (node.type !== Scalar.BLOCK_LITERAL)
    return { reason: 'write the Dockerfile as a literal block (dockerfile_inline: |): else its lines have no places' }
  if (node.value.replaceAll('$$', '').includes('$')) {
    return { reason: 'Compose replaces $ variables in this Dockerfile before it is built: write $$ for those of the Dockerfile' }
  }
  const characters: string[] = []
  const offsets: number[] = []
  const [start = 0, end = 0] = node.range ?? []
  let lineStart = source.text.indexOf('\n', start) + 1
  for (const line of node.value.split('\n')) {
    if (lineStart >= end && line === '') break
    const feed = source.text.indexOf('\n', lineStart)
    const lineEnd = feed === -1 ? source.text.length : feed
    const written = source.text.slice(lineStart, lineEnd).replace(/\r$/, '')
    if (!written.endsWith(line)) return { reason: 'the lines of this Dockerfile are not found in the file' }
    const first = lineStart + written.length - line.length
    for (let index = 0; index < line.length; index++) {
      characters.push(line.charAt(index))
      offsets.push(first + index)
      if (line.startsWith('$$', index)) index++
    }
    characters.push('\n')
    offsets.push(lineEnd)
    lineStart = lineEnd + 1
  }
  return { source, text: characters.join(''), toSource: (offset) => offsets[offset] ?? end }
}
