/** `--pinning FILE`: Notary's `trust_pinning` object, bare or as the member of that name of Notary's own config.json. */
import { dirname, resolve } from 'node:path'
import { utf8 } from '../bytes.js'
import type { TrustPinningOption } from '../client/settings/options.js'
import { checkNames, membersOf } from '../client/settings/plain-object.js'
import { UsageError } from '../errors.js'
import { parseJson } from '../metadata/json.js'
import { JsonError, plainJson } from '../metadata/json-value.js'

const WRAPPER = 'trust_pinning'

/** Members of Notary's config.json that do not concern pins. Source: notary 0.7.0 cmd/notary/main.go. */
const BESIDE: readonly string[] = [WRAPPER, 'trust_dir', 'remote_server']

/**
 * The pins in the file, with paths of CA files relative to it. The check of the option `pinning` checks the fields.
 *
 * @throws UsageError ERR_SETTINGS_INVALID when it is no such object, or has a member that would be ignored
 */
export function readPinningFile(path: string, text: string): TrustPinningOption {
  const file = `--pinning ${path}`
  const content = membersOf(parse(file, text), file)
  if (!content.has(WRAPPER)) return withPaths(content, path)
  checkNames(content.keys(), BESIDE, `known beside ${WRAPPER} in ${file}`)
  return withPaths(membersOf(content.get(WRAPPER), `${file}: ${WRAPPER}`), path)
}

/** Refuses duplicate members: JSON.parse would drop the first one with its pins. */
function parse(file: string, text: string): unknown {
  try {
    return plainJson(parseJson(utf8(text)))
  } catch (cause) {
    if (!(cause instanceof JsonError)) throw cause
    throw new UsageError('ERR_SETTINGS_INVALID', `${file} is not JSON: ${cause.message}`, {
      hint: 'It looks like {"certs": {"registry.example/team/": ["<key ID>"]}}: dct verify --help',
      cause,
    })
  }
}

function withPaths(pinning: ReadonlyMap<string, unknown>, path: string): TrustPinningOption {
  const ca = pinning.get('ca')
  // Go writes null for an empty map.
  const seen = ca === undefined || ca === null ? pinning : new Map([...pinning, ['ca', resolved(ca, path)]])
  return Object.fromEntries(seen)
}

function resolved(ca: unknown, path: string): object {
  const files = [...membersOf(ca, `--pinning ${path}: ca`)]
  return Object.fromEntries(
    files.map(([prefix, file]) => [prefix, typeof file === 'string' ? resolve(dirname(path), file) : file]),
  )
}
