/** Makes texts from servers and users safe for terminals and logs: one line, no invisible characters, a bounded length. */

/** Characters of a message: a text that a server chose may be megabytes long. */
const MAX_MESSAGE_CHARACTERS = 2000

/** Characters of a hint, and of the message of a cause. */
export const MAX_HINT_CHARACTERS = 1000

/** Characters of one text in the evidence. */
const MAX_EVIDENCE_CHARACTERS = 500

/** Characters of all texts in the evidence: with message, hint and cause, the JSON of an error stays below 16 KB. */
const MAX_EVIDENCE_IN_ALL = 2500

/** Items of one list in the evidence: a role can have thousands of keys. */
const MAX_EVIDENCE_ITEMS = 50

/** JSON values that explain a verdict. */
export type Evidence = Readonly<Record<string, string | number | boolean | null | readonly (string | number)[]>>

/** Control characters, direction marks, zero-width characters, tags, lone surrogates, line ends. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]+/gu

/** The text on one line, cut to a length. Invisible characters become a space, so that the text looks like its content. */
export function printable(text: string, maxCharacters: number = MAX_MESSAGE_CHARACTERS): string {
  // Cut before searching: the text may be megabytes long.
  const isCut = text.length > maxCharacters
  const clean = (isCut ? text.slice(0, maxCharacters - 1).replace(/[\ud800-\udbff]$/, '') : text).replace(UNPRINTABLE, ' ')
  return isCut ? `${clean}…` : clean
}

/** Makes evidence printable and short: cuts texts, and ends a cut list with the number of items left out. */
export function printableEvidence(evidence: Evidence): Evidence {
  let left = MAX_EVIDENCE_IN_ALL
  const cut = <Item>(item: Item): Item | string => {
    if (typeof item !== 'string') return item
    const text = printable(item, Math.max(1, Math.min(MAX_EVIDENCE_CHARACTERS, left)))
    left -= text.length
    return text
  }
  const cutList = (list: readonly (string | number)[]): (string | number)[] => {
    const kept: (string | number)[] = []
    for (const item of list) {
      if (kept.length >= MAX_EVIDENCE_ITEMS || left <= 0) break
      kept.push(cut(item))
    }
    return kept.length === list.length ? kept : [...kept, `… and ${list.length - kept.length} more`]
  }
  return Object.fromEntries(Object.entries(evidence).map(([name, value]) => [name, isList(value) ? cutList(value) : cut(value)]))
}

function isList(value: Evidence[string]): value is readonly (string | number)[] {
  return Array.isArray(value)
}
