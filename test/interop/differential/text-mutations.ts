/** Mutations of a file's text that JSON readers interpret differently. The signatures are valid if the text still means the same. */
import { insider } from './content-mutations.js'
import { STRANGER, text, utf8 } from './honest-steps.js'
import type { Mutation } from './signature-mutations.js'

function onText(name: string, change: (file: string) => string): Mutation {
  return [`text: ${name}`, (draft, role) => draft.spoil(role, { bytes: (file) => utf8(change(text(file))) })]
}

const VERSION = /"version": ?(\d+)/

export const TEXT_MUTATIONS: readonly Mutation[] = [
  onText('a version with .0', (file) => file.replace(VERSION, '"version":$1.0')),
  onText('a version with e0', (file) => file.replace(VERSION, '"version":$1e0')),
  onText('a version with a zero before it', (file) => file.replace(VERSION, '"version":0$1')),
  onText('a version twice', (file) => file.replace(VERSION, '"version":7,"version":$1')),
  onText('a version twice, the other last', (file) => file.replace(VERSION, '"version":$1,"version":7')),
  onText('a version in two cases', (file) => file.replace(VERSION, '"Version":7,"version":$1')),
  onText('a version in two cases, the other last', (file) => file.replace(VERSION, '"version":$1,"Version":7')),
  onText('signed twice', (file) => file.replace('{"signed":', '{"signed":{},"signed":')),
  onText('signatures twice', (file) => file.replace(/"signatures": ?\[/, '"signatures":[],"signatures":[')),
  onText('a member escaped', (file) => file.replace('"version"', '"\\u0076ersion"')),
  onText('a member with a long s', (file) => file.replace('"version"', '"ver\u017fion"')),
  onText('a slash escaped', (file) => file.replace('"_type": ?"', '"_type":"').replace('Targets', '\\u0054argets')),
  onText('a byte-order mark', (file) => `\ufeff${file}`),
  onText('bytes after it', (file) => `${file}{}`),
  onText('white space before it', (file) => ` \n${file}`),
  onText('a form feed after it', (file) => `${file}\f`),
  onText('a comma too many', (file) => file.replace(/}$/, ',}')),
  onText('a comment', (file) => `/* x */${file}`),
  onText('single quotes', (file) => file.replaceAll('"', "'")),
  onText('cut in half', (file) => file.slice(0, file.length / 2)),
  onText('nothing', () => ''),
  onText('null', () => 'null'),
  onText('a list around it', (file) => `[${file}]`),
  onText('a lone surrogate in an unknown member', (file) => file.replace('"signatures"', '"note":"\\ud800","signatures"')),
  onText('a huge number in an unknown member', (file) => file.replace('"signatures"', '"note":1e400,"signatures"')),
  onText('a number beyond 2^53 in an unknown member', (file) =>
    file.replace('"signatures"', '"note":9007199254740993,"signatures"'),
  ),
  onText('deep nesting in an unknown member', (file) =>
    file.replace('"signatures"', `"note":${'['.repeat(65)}${']'.repeat(65)},"signatures"`),
  ),
  onText('very deep nesting in an unknown member', (file) =>
    file.replace('"signatures"', `"note":${'['.repeat(20_000)}${']'.repeat(20_000)},"signatures"`),
  ),
  [
    'text: bad UTF-8 in an unknown member',
    (draft, role) =>
      draft.spoil(role, {
        bytes: (file) => {
          const [head = '', ...rest] = text(file).split('"signatures"')
          return new Uint8Array(
            Buffer.concat([
              Buffer.from(`${head}"note":"`),
              Buffer.of(0xff),
              Buffer.from(`","signatures"${rest.join('"signatures"')}`),
            ]),
          )
        },
      }),
  ],
  insider('signed member: a half', (signed) => void Object.assign(signed, { note: 0.5 })),
  insider('signed member: a control character', (signed) => void Object.assign(signed, { note: '\u0001\u2028<&>' })),
  insider('signed member: a lone surrogate', (signed) => void Object.assign(signed, { note: '\ud800' })),
  insider(
    'signed member: large whole numbers',
    (signed) => void Object.assign(signed, { note: [2 ** 53, 2 ** 60, -(2 ** 53) - 2] }),
  ),
  insider(
    'signed member: a name that is not ASCII',
    (signed) => void Object.assign(signed, { ü: 1, '\u{1f433}': 2, '\uffff': 3 }),
  ),
  insider('signed member: a stranger', (signed) => void Object.assign(signed, { keys2: STRANGER.document })),
]
