/** Changes one member or item of a file, before it is signed (by the holder of the keys) or after. */
import type { Draft, SignedFile } from './draft.js'
import type { Random } from './random.js'

interface Place {
  readonly holder: object
  readonly name: string
  readonly path: string
}

type Change = (place: Place, value: unknown, random: Random) => void

const put = (make: (value: unknown, random: Random) => unknown): Change => {
  return ({ holder, name }, value, random) => void Object.assign(holder, { [name]: make(value, random) })
}

const CHANGES: readonly (readonly [name: string, fits: (value: unknown) => boolean, change: Change])[] = [
  [
    'gone',
    () => true,
    ({ holder, name }) => void (Array.isArray(holder) ? holder.splice(Number(name), 1) : Reflect.deleteProperty(holder, name)),
  ],
  ['null', () => true, put(() => null)],
  ['a number', (value) => typeof value !== 'number', put(() => 1)],
  ['a text', (value) => typeof value !== 'string', put(() => 'x')],
  ['a list', (value) => !Array.isArray(value), put(() => [])],
  ['an object', (value) => typeof value !== 'object' || Array.isArray(value), put(() => ({}))],
  ['true', (value) => value !== true, put(() => true)],
  ['empty text', (value) => typeof value === 'string', put(() => '')],
  ['emptied', (value) => typeof value === 'object' && value !== null, put((value) => (Array.isArray(value) ? [] : {}))],
  [
    'one more letter',
    (value) => typeof value === 'string',
    put((value, random) => `${value}${random.pick(['x', ' ', 'A', '=', '\n', '\u0000', 'é', '/'])}`),
  ],
  ['one letter less', isFilledText, put((value) => String(value).slice(0, -1))],
  ['another letter', isFilledText, put((value, random) => swapLetter(String(value), random))],
  ['upper case', isFilledText, put((value) => String(value).toUpperCase())],
  ['0', (value) => typeof value === 'number', put(() => 0)],
  ['negative', (value) => typeof value === 'number', put((value) => -Number(value))],
  ['one more', (value) => typeof value === 'number', put((value) => Number(value) + 1)],
  ['one less', (value) => typeof value === 'number', put((value) => Number(value) - 1)],
  ['a half more', (value) => typeof value === 'number', put((value) => Number(value) + 0.5)],
  [
    'huge',
    (value) => typeof value === 'number',
    put((_, random) => random.pick([2 ** 31, 2 ** 32, 2 ** 53 - 1, 2 ** 53, 2 ** 63, 1e21])),
  ],
  ['as text', (value) => typeof value === 'number', put((value) => String(value))],
  [
    'its first item twice',
    (value) => Array.isArray(value) && value.length > 0,
    put((value) => [Object(value)[0], ...Object(value)]),
  ],
  ['reversed', (value) => Array.isArray(value) && value.length > 1, put((value) => [...Object(value)].reverse())],
  ['a null item', (value) => Array.isArray(value), put((value) => [...Object(value), null])],
  ['renamed in upper case', () => true, rename((name) => name.toUpperCase())],
  ['renamed', () => true, rename((name) => `${name}x`)],
  ['a member beside it in upper case', () => true, ({ holder, name }, value) => beside(holder, name.toUpperCase(), value)],
  ['a member beside it with null in upper case', () => true, ({ holder, name }) => beside(holder, name.toUpperCase(), null)],
]

/** Changes one field of one role's file. */
export function mutateField(draft: Draft, role: string): void {
  const { random } = draft
  const seed = `${random.int(2 ** 31)}`
  const choose = (document: object, say: boolean): void => {
    const made = random.fork(seed)
    const place = made.pick(placesOf(document))
    const value = Reflect.get(place.holder, place.name)
    const [what, , change] = made.pick(CHANGES.filter(([, fits]) => fits(value)))
    change(place, value, made)
    if (say) draft.did(`field of ${role} ${where}: ${place.path} ${what}`)
  }
  const where = random.chance(0.7) ? 'before signing' : 'after signing'
  const parents = random.chance(0.85) ? 'forged' : 'honest'
  let said = false
  const once = (document: object): void => {
    choose(document, !said)
    said = true
  }
  if (where === 'before signing') draft.spoil(role, { before: once, parents })
  else draft.spoil(role, { after: (envelope: SignedFile) => once(envelope), parents })
}

const CHOSEN = new Set(['keys', 'roles', 'targets', 'meta', 'hashes'])

/** Every member and item; unknown names are `*`. Places near the top are chosen as often as the many deep ones. */
function placesOf(document: object): Place[] {
  const places: Place[] = []
  const visit = (holder: object, path: string, chosen: boolean, depth: number): void => {
    for (const [name, value] of Object.entries(holder)) {
      const label = Array.isArray(holder) ? '[]' : chosen ? '*' : name
      const place = { holder, name, path: path === '' ? label : `${path}.${label}` }
      for (let times = Math.max(1, 6 - 2 * depth); times > 0; times--) places.push(place)
      if (typeof value === 'object' && value !== null)
        visit(value, place.path, !chosen && CHOSEN.has(name) && !Array.isArray(value), depth + 1)
    }
  }
  visit(document, '', false, 0)
  return places
}

function rename(change: (name: string) => string): Change {
  return ({ holder, name }, value) => {
    if (Array.isArray(holder)) return void holder.splice(Number(name), 0, value)
    Reflect.deleteProperty(holder, name)
    Object.assign(holder, { [change(name)]: value })
  }
}

function beside(holder: object, name: string, value: unknown): void {
  if (Array.isArray(holder)) holder.push(value)
  else Object.assign(holder, { [name]: value })
}

function isFilledText(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}

function swapLetter(value: string, random: Random): string {
  const at = random.int(value.length)
  return `${value.slice(0, at)}${random.pick(['a', 'B', '7', '-', '.', '/'])}${value.slice(at + 1)}`
}
