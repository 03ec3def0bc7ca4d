/** `dct env`: shows what a verification would use, and why. Asks no server. */
import { createFileStore } from '../cache/file-store.js'
import { mirroredName, type SignedPlace, signedPlace } from '../client/refresh-terms.js'
import { contentTrustEnabled } from '../client/settings/content-trust.js'
import { KNOWN_REGISTRIES, type SignedName } from '../client/settings/known-registries.js'
import { readLockfile } from '../client/settings/lockfile-setting.js'
import type { TrustClientOptions } from '../client/settings/options.js'
import { readPinning } from '../client/settings/pinning-settings.js'
import { describeSource, type SettingSource, settingName } from '../client/settings/setting-source.js'
import {
  chooseDockerConfig,
  chooseLockfile,
  chooseServer,
  chooseTrustDirectory,
  isMappedForDockerIo,
  sourceOf,
} from '../client/settings/setting-sources.js'
import type { Settings } from '../client/settings/settings.js'
import { SETTINGS } from '../client/settings/settings-table.js'
import { dockerCredentials } from '../credentials/docker-config.js'
import { TrustError } from '../errors.js'
import { credentialOwners, credentialPlaces } from '../http/auth/who-gets-credentials.js'
import { proxyFor } from '../http/connection/proxy.js'
import { readTlsMaterial } from '../http/tls/tls.js'
import { type ImageReference, parseReference } from '../reference/reference.js'
import { nearPins, pinFor } from '../trust/pinning.js'
import { nearPinsText } from '../trust/refusals.js'
import type { TrustServer } from '../trust-server/notary-url.js'
import { clientOptions, commandSwitch } from './client-options.js'
import { type PolicyView, viewPolicy } from './env-policy.js'
import type { Io } from './io.js'
import type { CommandLine } from './options.js'
import { exitStatus, mostSevere, Speaker } from './output.js'

/** One subject: the value that would be used, and the reason. */
interface Finding {
  readonly value: string
  readonly why: string
}

/** The exit status. */
export async function env(line: CommandLine, io: Io): Promise<number> {
  const [word = 'alpine'] = line.words
  const speaker = new Speaker(io, line)
  const reference = parseReference(word)
  const options = await clientOptions(line, io)
  const findings: Record<string, Finding> = {}
  const statuses: number[] = []
  const policy = await viewPolicy(options, io, reference)
  for (const [name, find] of Object.entries(subjects(line, io, options, reference, policy))) {
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

/** Two lines for one subject; the name `trustServer` becomes `trust server:`. */
function paragraph(name: string, { value, why }: Finding): string {
  const label = `${name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)}:`
  return `${label.padEnd(17)} ${value}\n${' '.repeat(18)}${why}`
}

/** The subjects, in the order in which a verification needs them. */
function subjects(
  line: CommandLine,
  io: Io,
  options: TrustClientOptions,
  reference: ImageReference,
  policy: PolicyView,
): Record<string, () => Finding | Promise<Finding>> {
  const { terms, mirrors } = policy
  const serverFor: Settings['serverFor'] = (registry, server, mirror) => chooseServer(registry, options, io.env, server, mirror)
  const place = (): SignedPlace => signedPlace(reference, { mirrors, serverFor }, terms)
  const server = (): TrustServer => place().choice.value
  const config = chooseDockerConfig(options, io.env)
  const collection = collectionOf(reference, place, mirroredName(reference, policy))
  return {
    contentTrust: () => describeSwitch(line, io, options),
    collection: () => describeCollection(reference, collection),
    trustServer: () => {
      const { value, source } = place().choice
      return { value: value.typed, why: describeSource(source, 'command') }
    },
    proxy: () => describeProxy(server(), io),
    knownRegistries: () => describeKnownRegistries(),
    caCertificates: () => describeAuthorities(server(), config.value, io, options),
    dockerConfig: () => ({ value: config.value ?? 'none', why: describeSource(config.source, 'command') }),
    credentials: () => describeCredentials(server(), collection.gun, config.value, io, options),
    cache: () => describeCache(options, io, collection.gun),
    policy: policy.describe,
    lockfile: () => describeLockfile(options, io, collection.gun),
    pinning: () => describePinning(options, io, collection.gun),
  }
}

function describeSwitch(line: CommandLine, { env }: Io, options: TrustClientOptions): Finding {
  const value = (isOn: boolean): string => (isOn ? 'on' : 'off')
  const said = ({ kind }: SettingSource): string => {
    if (kind === 'option') return `${settingName('disableContentTrust', 'command')} is given`
    const variable = env['DOCKER_CONTENT_TRUST']
    return `DOCKER_CONTENT_TRUST is ${kind === 'default' ? 'not set' : JSON.stringify(variable)}`
  }
  const here = said(sourceOf('disableContentTrust', options, env))
  const library = `${value(contentTrustEnabled({ env }))}, as ${said(sourceOf('disableContentTrust', {}, env))}`
  return {
    value: value(contentTrustEnabled({ env, ...commandSwitch(line, env) })),
    why: `for dct verify: ${here}. For the library, which follows Docker: ${library}`,
  }
}

/** The name that is signed. When the trust server is unusable, the table of known registries does not count. */
function collectionOf({ gun, domain }: ImageReference, place: () => SignedPlace, mirrored: string | undefined): SignedName {
  try {
    return place()
  } catch (error) {
    if (!(error instanceof TrustError)) throw error
    return { gun: mirrored ?? gun, mirror: mirrored === undefined ? undefined : domain }
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
    SETTINGS.ca.otherwise ?? '',
    ...(SETTINGS.ca.environment ?? []).filter((name) => env[name]),
    ...(given.length > 0 ? [settingName('ca', 'command')] : []),
    ...material.engineFolders.map((folder) => `*.crt in ${folder}`),
    ...material.leftOut.map((file) => `left out: ${file}`),
    ...(material.folder === undefined ? [] : [`*.crt in ${material.folder}`]),
  ]
  const pairs = material.clientPairs.map(({ file }) => file)
  const shown = pairs.length === 0 ? 'no client certificate' : `client certificates ${pairs.join(', ')}`
  return { value: `${material.ca.length}, ${shown}`, why: sources.join('; ') }
}

/** Counts the trust server itself as the recipient: its token server is unknown until the trust server is asked. */
async function describeCredentials(
  server: TrustServer,
  gun: string,
  dockerConfig: string | undefined,
  { env }: Io,
  options: TrustClientOptions,
): Promise<Finding> {
  const source = dockerCredentials({ dockerConfig, env })
  const serverIsMappedForDockerIo = isMappedForDockerIo(server, options)
  const recipient = { server, gun, recipient: server.url, serverIsMappedForDockerIo }
  const { owners, withheld } = credentialOwners(recipient)
  const found = await credentialPlaces(recipient, source)
  const nothing = `none for ${owners.join(' or ') || server.host} in ${dockerConfig ?? 'no folder'}`
  const order = `used only when the server refuses an anonymous token, in the order ${owners.join(', ')}`
  const explained = found.length > 0 ? [] : await Promise.all(owners.map((owner) => source.explain(owner)))
  const why = [order, ...(withheld === undefined ? [] : [withheld]), ...explained, ...source.problems()]
  return { value: found.join(', else ') || nothing, why: [...new Set(why)].filter((one) => one !== '').join('; ') }
}

async function describeCache(options: TrustClientOptions, { env }: Io, gun: string): Promise<Finding> {
  const { value, source } = chooseTrustDirectory(options, env)
  const why = describeSource(source, 'command')
  if (value === undefined) return { value: 'none', why: `${why}: every run is a first use` }
  const { metadata, unreadable } = await createFileStore(value).read(gun)
  const kept = metadata.has('root')
    ? `root and ${metadata.size - 1} more files of ${gun} are kept`
    : `nothing of ${gun} is kept yet`
  const spoiled = [...unreadable].map(([role, reason]) => `; ${role} cannot be read: ${reason}`).join('')
  return { value, why: `${why}; ${kept}${spoiled}` }
}

async function describeLockfile(options: TrustClientOptions, { env }: Io, gun: string): Promise<Finding> {
  const { value, source } = chooseLockfile(options, env)
  const why = describeSource(source, 'command')
  if (value === undefined) return { value: 'none', why }
  const { file, lockfile } = await readLockfile(value)
  const entry = lockfile.collections.get(gun)
  const shown = entry === undefined ? `no entry for ${gun}` : `root version ${entry.root.version} of ${gun}, at ${entry.server}`
  return { value: file, why: `${why}; ${shown}` }
}

async function describePinning(options: TrustClientOptions, { env }: Io, gun: string): Promise<Finding> {
  const why = describeSource(sourceOf('pinning', options, env), 'command')
  const { pinning } = options
  if (pinning === undefined) return { value: 'none', why }
  const pins = await readPinning(pinning)
  const pin = pinFor(gun, pins)
  if (pin.kind !== 'none') return { value: `${pin.kind}, rule ${JSON.stringify(pin.rule)}`, why }
  const near = nearPinsText(gun, nearPins(gun, pins))
  return { value: 'none for this collection', why: `${why}; first use is ${pin.firstUse}${near}` }
}
