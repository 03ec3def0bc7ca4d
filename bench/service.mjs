/**
 * `dct serve` between a client, a trust server and a registry. The trust server is the kit's, in the process of the benchmark, since the
 * real `notary` takes minutes to publish so many collections. The service is a process of its own; the client keeps its connection.
 */
import { fork, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { createServer } from 'node:https'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createTrustClient } from '../dist/index.js'
import { createRegistryClient } from '../dist/registry/registry-client.js'
import { createCertificate, createTrustCollection, startTrustServer } from '../dist/testing/index.js'
import { startDelayProxy } from './delay-proxy.mjs'
import { median } from './rounds.mjs'

const BIN = fileURLToPath(new URL('../dist/cli/bin.cjs', import.meta.url))
const BARE_PROXY = fileURLToPath(new URL('bare-proxy.mjs', import.meta.url))
const ROUND_TRIP = 50
const DAY = 86_400_000

/** Milliseconds after which a client has closed its idle connections. */
const IDLE_MS = 5_000

/** A manifest of an ordinary size, another for each tag. */
const manifestOf = (tag) => {
  const layer = (at) => ({ mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', size: at, digest: digestOf(`${tag} ${at}`) })
  const layers = Array.from({ length: 8 }, (_, at) => layer(at))
  return Buffer.from(
    JSON.stringify({ schemaVersion: 2, mediaType: 'application/vnd.oci.image.manifest.v1+json', config: layer(9), layers }),
  )
}
const digestOf = (bytes) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

/** The cases, in the form of `listCases`. */
export function serviceCases({ quick }) {
  const [heads, collections] = quick ? [200, 10] : [5_000, 200]
  return [
    {
      name: 'service/warm/0',
      title: `dct serve, ${heads} HEADs of a tag one after the other; each is verified anew, with one question to the trust server`,
      base: 'HEAD, median',
      run: (lab) => withParts(lab, [['app', ['1.0']]], (parts) => warm(parts, heads)),
    },
    {
      name: 'service/cold/50',
      title:
        'dct serve, first HEAD of a collection on new connections, trust server 50 ms away; the library and the registry alone',
      base: 'library + registry',
      run: (lab, { rounds }) => cold(lab, rounds),
    },
    {
      name: 'service/memory',
      title: `dct serve after a HEAD of each of ${collections * 5} tags of ${collections} collections`,
      base: 'service',
      run: (lab) => withParts(lab, manyTags(collections), memory),
    },
  ]
}

const manyTags = (count) =>
  Array.from({ length: count }, (_, at) => [`app${at}`, ['1', '2', '3', '4', '5'].map((tag) => `${at}.${tag}`)])

async function warm({ startService, startBareProxy }, heads) {
  const service = await startService(0)
  const times = await manyTimes(heads, () => service.head('app', '1.0'))
  const memory = service.peakMemory()
  await service.stop()
  const bare = await startBareProxy('app')
  const bareTimes = await manyTimes(heads, () => bare.head()).finally(bare.stop)
  const p99 = (sorted) => sorted[Math.floor(sorted.length * 0.99)]
  return [
    { name: 'HEAD, median', wall: median(times), memory },
    { name: 'HEAD, p99', wall: p99(times) },
    { name: 'bare proxy, median', wall: median(bareTimes) },
    { name: 'bare proxy, p99', wall: p99(bareTimes) },
  ]
}

/** Milliseconds of each, ascending. The first are not counted. */
async function manyTimes(count, act) {
  const times = []
  for (let at = -200; at < count; at += 1) {
    const time = await timed(act)
    if (at >= 0) times.push(time)
  }
  return times.sort((a, b) => a - b)
}

async function cold(lab, rounds) {
  const repositories = Array.from({ length: rounds + 1 }, (_, at) => [`cold${at}`, ['1.0']])
  return withParts(lab, repositories, async ({ startService, library, registry }) => {
    const samples = { service: [], library: [], registry: [] }
    const service = await startService(ROUND_TRIP)
    // The first of each is not counted: it loads the code. Before the others, idle connections have been closed.
    for (const [path] of repositories) {
      samples.service.push(await timed(() => service.head(path, '1.0')))
      samples.library.push(await library(path, ROUND_TRIP))
      samples.registry.push(await registry(path))
      await sleep(IDLE_MS)
    }
    await service.stop()
    const row = (name, ...parts) => ({ name, wall: parts.reduce((sum, part) => sum + median(samples[part].slice(1)), 0) })
    return [
      row('library + registry', 'library', 'registry'),
      row('service', 'service'),
      row('library', 'library'),
      row('registry', 'registry'),
    ]
  })
}

async function memory({ startService, repositories }) {
  const service = await startService(0)
  const started = performance.now()
  for (const [path, tags] of repositories) for (const tag of tags) await service.head(path, tag)
  const row = { name: 'service', wall: performance.now() - started, memory: service.peakMemory() }
  await service.stop()
  return [row]
}

async function timed(act) {
  const started = performance.now()
  await act()
  return performance.now() - started
}

/** Starts a registry and a trust server that have these repositories: `[path, tags]`. */
async function withParts(lab, repositories, measure) {
  const folder = lab.freshFolder()
  mkdirSync(folder, { recursive: true })
  const span = { notBefore: new Date(Date.now() - DAY), notAfter: new Date(Date.now() + DAY) }
  const authority = createCertificate({ subject: { cn: 'bench CA' }, ca: true, ...span })
  const own = createCertificate({ subject: { cn: 'localhost' }, issuer: authority, san: ['localhost'], ...span })
  const manifests = new Map(repositories.flatMap(([, tags]) => tags.map((tag) => [digestOf(manifestOf(tag)), manifestOf(tag)])))
  const key = own.privateKey.export({ type: 'pkcs8', format: 'pem' })
  const server = createServer({ cert: own.pem, key }, ({ url }, response) => response.end(manifests.get(url.split('/').at(-1))))
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const host = `localhost:${server.address().port}`
  const collections = repositories.map(([path, tags]) => {
    const signed = tags.map((tag) => [tag, { digest: digestOf(manifestOf(tag)), size: manifestOf(tag).length }])
    return createTrustCollection(`${host}/${path}`, { tags: Object.fromEntries(signed), now: new Date() }).publish()
  })
  const trust = await startTrustServer({ collections })
  const ca = `${folder}/ca.pem`
  writeFileSync(ca, `${authority.pem}${trust.ca}`)
  const far = await startDelayProxy(new URL(trust.url).port, ROUND_TRIP)
  const running = new Set()
  const options = (roundTrip) => ({
    server: roundTrip === 0 ? trust.url : far.url,
    dockerConfig: trust.env.DOCKER_CONFIG,
    env: {},
  })
  const startService = async (roundTrip) => {
    const service = await spawnService(lab, { host, ca, ...options(roundTrip) }, lab.freshFolder())
    running.add(service)
    return { ...service, stop: () => service.stop().finally(() => running.delete(service)) }
  }
  const library = async (path, roundTrip) => {
    const client = createTrustClient({
      ...options(roundTrip),
      disableContentTrust: false,
      ca: trust.ca,
      trustDirectory: lab.freshFolder(),
    })
    const wall = await timed(() => client.verifyTag(`${host}/${path}:1.0`))
    await client.close()
    return wall
  }
  const startBareProxy = async (path) => {
    const child = fork(BARE_PROXY, [`${trust.url}/v2/${host}/${path}/_trust/tuf/timestamp.json`, trust.ca], { silent: true })
    const port = await new Promise((resolve, reject) => {
      child.stdout.once('data', (data) => resolve(Number(data)))
      child.once('exit', () => reject(new Error('the bare proxy did not start')))
    })
    const agent = new Agent({ keepAlive: true })
    const stop = () => {
      agent.destroy()
      child.disconnect()
    }
    return { head: () => headOf({ port, agent, path: '/' }), stop }
  }
  const registry = async (path) => {
    const client = createRegistryClient({ dockerConfig: undefined, env: {}, ca: [authority.pem] })
    const digest = digestOf(manifestOf('1.0'))
    const wall = await timed(() => client.fetchManifest({ domain: host, path, digest, signal: new AbortController().signal }))
    await client.close()
    return wall
  }
  try {
    return await measure({ repositories, startService, startBareProxy, library, registry })
  } finally {
    for (const service of running) await service.stop()
    await Promise.all([far.stop(), trust.close(), new Promise((resolve) => server.close(resolve)), server.closeAllConnections()])
    rmSync(folder, { recursive: true })
  }
}

async function spawnService(lab, { host, ca, server, dockerConfig }, trustDirectory) {
  const policy = `${trustDirectory}-policy.json`
  writeFileSync(policy, JSON.stringify({ version: 1, rules: [], default: { firstUse: 'accept' } }))
  const words = ['serve', '--policy', policy, '--listen', '127.0.0.1:0', '--registry', host, '--server', server]
  const places = ['--trust-dir', trustDirectory, '--config', dockerConfig, '--tlscacert', ca]
  const child = spawn(process.execPath, [...lab.nodeOptions, BIN, ...words, ...places], {
    env: {},
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  const port = await new Promise((resolve, reject) => {
    const said = createInterface(child.stderr).on('line', (line) => {
      const [, found] = /listening on http port ([0-9]+)/.exec(line) ?? []
      if (found !== undefined) resolve(Number(found))
      else reject(new Error(line))
    })
    said.once('close', () => reject(new Error('dct serve did not start')))
  })
  const agent = new Agent({ keepAlive: true })
  const head = async (path, tag) => {
    const target = `/v2/${path}/manifests/${tag}?ns=${encodeURIComponent(host)}`
    const digest = (await headOf({ port, agent, path: target }))['docker-content-digest']
    if (digest !== digestOf(manifestOf(tag))) throw new Error(`${target}: ${digest}`)
  }
  return {
    head,
    /** Bytes. */
    peakMemory: () => Number(/VmHWM:\s+([0-9]+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) * 1024,
    async stop() {
      agent.destroy()
      child.kill('SIGTERM')
      await ended
    },
  }
}

/** The headers of the answer. */
function headOf(target) {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', method: 'HEAD', ...target }, (response) => {
      response.resume().once('end', () => {
        if (response.statusCode === 200) resolve(response.headers)
        else reject(new Error(`${target.path}: ${response.statusCode}`))
      })
    })
    sent.once('error', reject).end()
  })
}
