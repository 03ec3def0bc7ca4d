/** `dct env [REFERENCE]`: what a verification would use, and why; nothing is asked of a server. */

import { createFileStore } from '../cache/file-store.js'
import { contentTrustEnabled } from '../client/settings/content-trust.js'
import { KNOWN_REGISTRIES, type SignedName, signedName } from '../client/settings/known-registries.js'
import type { TrustClientOptions } from '../client/settings/options.js'
import { readPinning } from '../client/settings/pinning-settings.js'
import { chooseDockerConfig, chooseServer, chooseTrustDirectory } from '../client/settings/setting-sources.js'
import { dockerCredentials } from '../credentials/docker-config.js'
import { TrustError, UsageError } from '../errors.js'
import { credentialOwners } from '../http/auth/who-gets-credentials.js'
import { proxyFor } from '../http/connection/proxy.js'
import { readTlsMaterial } from '../http/tls/tls.js'
import { type ImageReference, parseReference } from '../reference/reference.js'
import { shellWord } from '../shell-word.js'
import { nearPins, pinFor } from '../trust/pinning.js'
import { nearPinsText } from '../trust/refusals.js'
import type { TrustServer } from '../trust-server/notary-url.js'
import { type CommandLine, clientOptions, commandSwitch } from './arguments.js'
import type { Io } from './io.js'
import { exitStatus, mostSevere, Speaker } from './output.js'

/** One thing that was decided. */
interface Finding {
  readonly value: string
  readonly why: string
}

/** The exit status: that of whatever would fail. */
export async function env(line: CommandLine, io: Io): Promise<number> {
  const [word = 'alpine', ...more] = line.words
  if (more.length > 0)
    throw new UsageError('ERR_SETTINGS_INVALID', 'dct env takes one image reference', {
      hint: `For example: dct env ${shellWord(word)}`,
    })
  const speaker = new Speaker(io, line)
  const reference = parseReference(word)
  const options = await clientOptions(line, io)
  const findings: Record<string, Finding> = {}
  const statuses: number[] = []
  for (const [name, find] of Object.entries(subjects(line, io, options, reference))) {
    try {
      findings[name] = await find()
    } catch (error) {
      if (!(error instanceof TrustError)) throw error
      findings[name] = { value: `unusable (${error.code})`, why: error.message }
      statuses.push(exitStatus(error))
    }
  }
  if (line.values.json) speaker.json(findings)
  else for (const [name, finding] of Object.entries(findings)) speaker.answer(paragraph(name, finding))
  return mostSevere(statuses)
}

/** `trustServer` -> two lines that begin with `trust server:`. */
function paragraph(name: string, { value, why }: Finding): string {
  const label = `${name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)}:`
  return `${label.padEnd(17)} ${value}\n${' '.repeat(18)}${why}`
}

/** What is looked at, in the order in which a verification needs it. */
function subjects(
  line: CommandLine,
  io: Io,
  options: TrustClientOptions,
  reference: ImageReference,
): Record<string, () => Finding | Promise<Finding>> {
  const server = (): TrustServer => chooseServer(domain, options, io.env).value
  const config = chooseDockerConfig(options, io.env)
  const { domain } = reference
  const collection = collectionOf(reference, server)
  return {
    contentTrust: () => describeSwitch(line, io),
    collection: () => describeCollection(reference, collection),
    trustServer: () => {
      const { value, why } = chooseServer(domain, options, io.env)
      return { value: value.typed, why: inWordsOfFlags(why) }
    },
    proxy: () => describeProxy(server(), io),
    knownRegistries: () => describeKnownRegistries(),
    caCertificates: () => describeAuthorities(server(), config.value, io, options),
    dockerConfig: () => ({ value: config.value ?? 'none', why: inWordsOfFlags(config.why) }),
    credentials: () => describeCredentials(server(), collection.gun, config.value, io),
    cache: () => describeCache(options, io, collection.gun),
    pinning: () => describePinning(options, collection.gun),
  }
}

function describeSwitch(line: CommandLine, io: Io): Finding {
  const chosen = commandSwitch(line, io)
  const library = contentTrustEnabled({ env: io.env }) ? 'on' : 'off'
  const variable = io.env['DOCKER_CONTENT_TRUST']
  const said =
    variable === undefined || variable === ''
      ? 'DOCKER_CONTENT_TRUST is not set'
      : `DOCKER_CONTENT_TRUST is ${JSON.stringify(variable)}`
  const flag = line.values['disable-content-trust'] === undefined ? said : '--disable-content-trust is given'
  return {
    value: contentTrustEnabled({ env: io.env, ...chosen }) ? 'on' : 'off',
    why: `for dct verify: ${flag}. For the library, which follows Docker: ${library}, as ${said}`,
  }
}

/** The name that is signed; the name as typed when no server can be told. */
function collectionOf(reference: ImageReference, server: () => TrustServer): SignedName {
  try {
    return signedName(reference, server())
  } catch (error) {
    if (!(error instanceof TrustError)) throw error
    return { gun: reference.gun, mirror: undefined }
  }
}

function describeCollection({ tag }: ImageReference, { gun, mirror }: SignedName): Finding {
  const why = `what ${tag ?? 'a digest'} is looked up in`
  return { value: gun, why: mirror === undefined ? why : `${why}: images of ${mirror} are signed under this name` }
}

function describeKnownRegistries(): Finding {
  const shown = KNOWN_REGISTRIES.map(({ registry, server, mirrorsShown }) => `${registry} (mirrors ${mirrorsShown}): ${server}`)
  return { value: shown.join(', '), why: 'asked when no setting names a server; every setting goes before this table' }
}

function describeProxy({ url }: TrustServer, { env }: Io): Finding {
  const proxy = proxyFor(url.hostname, Number(url.port || 443), env)
  if (proxy !== undefined)
    return { value: `${proxy.tls ? 'https' : 'http'}://${proxy.hostname}:${proxy.port}`, why: 'HTTPS_PROXY' }
  const isSet = Boolean(env['HTTPS_PROXY'] || env['https_proxy'])
  return {
    value: 'none',
    why: isSet ? `HTTPS_PROXY is set, but not for ${url.host}: NO_PROXY, or this machine` : 'HTTPS_PROXY is not set',
  }
}

async function describeAuthorities(
  server: TrustServer,
  dockerConfig: string | undefined,
  { env }: Io,
  { ca }: TrustClientOptions,
): Promise<Finding> {
  const given = ca === undefined ? [] : [ca].flat()
  const material = await readTlsMaterial({ dockerConfig, host: server.host, env, ca: given })
  const sources = [
    "Node's own and this machine's",
    ...['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'SSL_CERT_DIR'].filter((name) => env[name]),
    ...(given.length > 0 ? ['--tlscacert'] : []),
    ...material.engineFolders.map((folder) => `*.crt in ${folder}`),
    ...material.leftOut.map((file) => `left out: ${file}`),
    ...(material.folder === undefined ? [] : [`*.crt in ${material.folder}`]),
  ]
  const pairs = material.clientPairs.map(({ file }) => file)
  const shown = pairs.length === 0 ? 'no client certificate' : `client certificates ${pairs.join(', ')}`
  return { value: `${material.ca.length}, ${shown}`, why: sources.join('; ') }
}

/** The token server is not known before the trust server is asked: it counts as the trust server's own. */
async function describeCredentials(
  server: TrustServer,
  gun: string,
  dockerConfig: string | undefined,
  { env }: Io,
): Promise<Finding> {
  const source = dockerCredentials({ dockerConfig, env })
  // The command has no way to map docker.io to a server.
  const question = { server, gun, recipient: server.url, serverIsMappedForDockerIo: false }
  const { owners, withheld } = credentialOwners(question)
  const found: string[] = []
  for (const owner of owners) {
    const { places, isCertain } = await source.describe(owner)
    found.push(...places)
    if (isCertain) break
  }
  const nothing = `none for ${owners.join(' or ') || server.host} in ${dockerConfig ?? 'no folder'}`
  const order = 'used only when the server refuses an anonymous token: its own entry, else that of the registry'
  const explained = found.length > 0 ? [] : await Promise.all(owners.map((owner) => source.explain(owner)))
  const why = [order, ...(withheld === undefined ? [] : [withheld]), ...explained, ...source.problems()]
  return { value: found.join(', else ') || nothing, why: [...new Set(why)].filter((one) => one !== '').join('; ') }
}

async function describeCache(options: TrustClientOptions, { env }: Io, gun: string): Promise<Finding> {
  const { value, why } = chooseTrustDirectory(options, env)
  if (value === undefined) return { value: 'none', why: `${why}: every run is a first use` }
  const { metadata, unreadable } = await createFileStore(value).read(gun)
  const kept = metadata.has('root')
    ? `root and ${metadata.size - 1} more files of ${gun} are kept`
    : `nothing of ${gun} is kept yet`
  const spoiled = [...unreadable].map(([role, reason]) => `; ${role} cannot be read: ${reason}`).join('')
  return { value, why: `${inWordsOfFlags(why)}; ${kept}${spoiled}` }
}

async function describePinning({ pinning }: TrustClientOptions, gun: string): Promise<Finding> {
  if (pinning === undefined) return { value: 'none', why: 'no --pinning: an unknown collection is trusted on first use' }
  const pins = await readPinning(pinning)
  const pin = pinFor(gun, pins)
  if (pin.kind !== 'none') return { value: `${pin.kind}, rule ${JSON.stringify(pin.rule)}`, why: '--pinning' }
  return {
    value: 'none for this collection',
    why: `--pinning; first use is ${pin.firstUse}${nearPinsText(gun, nearPins(gun, pins))}`,
  }
}

/** Options of the library by the names they have here. */
function inWordsOfFlags(why: string): string {
  return why
    .replace('the server option', '--server')
    .replace('the dockerConfig option', '--config')
    .replace('the trustDirectory option', '--trust-dir')
}
