/** JSON values, and the different texts for each. */
import fc from 'fast-check'

/** A value to write: numbers as literals, objects as members in order. */
export type Sample =
  | { readonly kind: 'string'; readonly text: string }
  | { readonly kind: 'number'; readonly literal: string }
  | { readonly kind: 'word'; readonly word: 'true' | 'false' | 'null' }
  | { readonly kind: 'array'; readonly items: readonly Sample[] }
  | { readonly kind: 'object'; readonly members: readonly (readonly [string, Sample])[] }

/** Characters on which JSON writers and parsers differ: ends of planes, escapes, controls. */
export const oddCharacters: fc.Arbitrary<string> = fc.constantFrom(
  'a',
  'é',
  '\ufb33',
  '\uffff',
  '\u{1f600}',
  '\u{10ffff}',
  '\ue000',
  '\ud7ff',
  '\n',
  '"',
  '\\',
  '\u007f',
)
const oddTexts = fc.constantFrom(
  '__proto__',
  'constructor',
  'toJSON',
  '\u0000',
  '\n',
  '\u001f',
  '\u007f',
  '\u2028',
  '\u{1f600}',
  '\ufb33',
  '"',
  '\\',
  '/',
  '',
)
const texts = fc.oneof(
  fc.string({ maxLength: 6 }),
  fc.string({
    unit: oddCharacters,
    maxLength: 4,
  }),
  oddTexts,
)

/** Integers in different forms: `1.0`, `1e2`, `-0`, `100e-2`. */
const literals = fc.oneof(
  fc.maxSafeInteger().map(String),
  fc.constantFrom(
    '-0',
    '0',
    '1.0',
    '1e0',
    '1E+2',
    '100e-2',
    '-0.0',
    '-5.000',
    '0e7',
    '12.5e1',
    '9007199254740991',
    '-9007199254740991',
    '9007199254740991.0',
  ),
)

export const samples: fc.Arbitrary<Sample> = fc.letrec<{ value: Sample }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    texts.map((text): Sample => ({ kind: 'string', text })),
    literals.map((literal): Sample => ({ kind: 'number', literal })),
    fc.constantFrom('true', 'false', 'null').map((word): Sample => ({ kind: 'word', word })),
    fc.array(tie('value'), { maxLength: 4 }).map((items): Sample => ({ kind: 'array', items })),
    fc
      .uniqueArray(fc.tuple(texts, tie('value')), { maxLength: 5, selector: ([name]) => name })
      .map((members): Sample => ({ kind: 'object', members })),
  ),
})).value

/** Options of a writer: the white space, and whether every character is escaped. */
export interface Spelling {
  readonly space: string
  readonly escape: 'all' | 'least' | 'slashes'
}

export const spellings: fc.Arbitrary<Spelling> = fc.record({
  space: fc.constantFrom('', '', ' ', '\r\n\t'),
  escape: fc.constantFrom('all', 'least', 'slashes'),
})

/** One of the texts for a value. */
export function spell(sample: Sample, spelling: Spelling): string {
  const { space, escape: escaped } = spelling
  const text = (value: string) => {
    if (escaped === 'all')
      return `"${[...Array(value.length).keys()].map((at) => `\\u${value.charCodeAt(at).toString(16).padStart(4, '0')}`).join('')}"`
    const json = JSON.stringify(value)
    return escaped === 'slashes' ? json.replaceAll('/', '\\/') : json
  }
  const join = (parts: string[]) => parts.map((part) => `${space}${part}${space}`).join(',')
  switch (sample.kind) {
    case 'string':
      return text(sample.text)
    case 'number':
      return sample.literal
    case 'word':
      return sample.word
    case 'array':
      return `[${join(sample.items.map((item) => spell(item, spelling)))}]`
    case 'object':
      return `{${join(sample.members.map(([name, value]) => `${text(name)}${space}:${space}${spell(value, spelling)}`))}}`
  }
}

/** docker/go's canonical form of the value, by a second writer that tests compare with. */
export function canonicalText(sample: Sample): string {
  const text = (value: string) => `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
  switch (sample.kind) {
    case 'string':
      return text(sample.text)
    case 'number':
      return BigInt(Number(sample.literal)).toString()
    case 'word':
      return sample.word
    case 'array':
      return `[${sample.items.map(canonicalText).join(',')}]`
    case 'object': {
      const sorted = [...sample.members].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      return `{${sorted.map(([name, value]) => `${text(name)}:${canonicalText(value)}`).join(',')}}`
    }
  }
}
