/**
 * A configuration file as a tree whose values know where they stand, so that each fault is told at its line. JSON and YAML
 * give the same tree: what reads a lockfile or a policy sees no difference.
 */

/**
 * Members and items of one file; in YAML those of an alias count each time it is used (denial of service: an alias bomb is a
 * kilobyte that stands for gigabytes). 2,000 locked collections have some 40,000.
 */
export const MAX_VALUES = 60_000

/** Where something stands in its file. Lines and columns count from 1, columns in UTF-16 code units, as editors do; 0 where there is no file. */
export interface Place {
  readonly line: number
  readonly column: number
}

/** What every value knows of itself. */
interface Located {
  /** As in `rules[3].match`; empty for the whole document. */
  readonly path: string
  readonly place: Place
}

export interface ObjectNode extends Located {
  readonly kind: 'object'
  /** A Map, because the file chose the names. */
  readonly members: ReadonlyMap<string, Member>
}

interface ListNode extends Located {
  readonly kind: 'list'
  readonly items: readonly DocumentNode[]
}

interface ScalarNode extends Located {
  readonly kind: 'scalar'
  readonly value: string | number | boolean | null
}

export type DocumentNode = ObjectNode | ListNode | ScalarNode

/** A member of an object. */
export interface Member {
  /** Where its name stands. */
  readonly place: Place
  readonly value: DocumentNode
}

/** The path of a member. A name that is no plain word is quoted. */
export function memberPath(path: string, name: string): string {
  if (!/^[A-Za-z_$][A-Za-z0-9_$-]*$/.test(name)) return `${path}[${JSON.stringify(name.slice(0, 300))}]`
  return path === '' ? name : `${path}.${name}`
}

/** The path of an item, counted from 0. */
export function itemPath(path: string, index: number): string {
  return `${path}[${index}]`
}

/** Finds lines and columns in a text. */
export class LineIndex {
  readonly #starts: number[] = [0]

  constructor(text: string) {
    for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) this.#starts.push(at + 1)
  }

  /** The place behind that many code units. */
  placeOf(offset: number): Place {
    let [low, high] = [0, this.#starts.length]
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if ((this.#starts[middle] ?? 0) <= offset) low = middle
      else high = middle
    }
    return { line: low + 1, column: offset - (this.#starts[low] ?? 0) + 1 }
  }
}
