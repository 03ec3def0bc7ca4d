/**
 * A redirect must not make the client send a secret to an address that another host chose, nor accept a 404 of a host that it
 * did not ask.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { givenCredentials } from '../../src/credentials/credentials.js'
import { MAX_REDIRECTS } from '../../src/http/redirect.js'
import { createMemoryStore, verifyTag } from '../../src/index.js'
import { createCertificate } from '../../src/testing/index.js'
import { GUN, refusalOf, STALE_SENTENCE, Story } from '../client/story.js'
import { type Handler, type LoopbackServer, testAuthority } from '../support/loopback-server.js'
import { transportWorld } from '../support/transport-world.js'

const basic = `Basic ${Buffer.from('me:pa55word').toString('base64')}`
const challenge = { 'www-authenticate': 'Basic realm="x"' }

const world = transportWorld()
const serve = world.serve.bind(world)

function ask({ url }: LoopbackServer): Promise<Uint8Array | undefined> {
  const credentials = givenCredentials(() => ({ username: 'me', password: 'pa55word' }))
  const transport = world.transport(url, { credentials })
  return transport.fetchMetadata({ gun: GUN, name: 'timestamp', maxBytes: 1000, signal: new AbortController().signal })
}

/** The Authorization headers that a server saw, by path. */
function shown({ requests }: LoopbackServer): (string | undefined)[][] {
  return requests.map(({ url, headers }) => [url.split('?', 1)[0], headers.authorization])
}

const FILE = `/v2/${GUN}/_trust/tuf/timestamp.json`

describe('a host that the server redirects to and that redirects back', () => {
  test('cannot make the client send credentials to an address of its choice', async () => {
    const other = await serve((_, response) => response.writeHead(302, { location: `${server.url}/chosen` }).end())
    const server: LoopbackServer = await serve(({ url, headers }, response) => {
      if (url === '/chosen') response.end('{}')
      else if (headers.authorization === basic) response.writeHead(302, { location: `${other.url}/x` }).end()
      else response.writeHead(401, challenge).end()
    })
    expect(await ask(server)).toHaveLength(2)
    expect(shown(server)).toEqual([
      [FILE, undefined],
      [FILE, basic],
      ['/chosen', undefined],
    ])
  })

  test('cannot make the client answer a challenge at an address of its choice', async () => {
    const other = await serve((_, response) => response.writeHead(302, { location: `${server.url}/chosen` }).end())
    const server: LoopbackServer = await serve(({ url }, response) => {
      if (url === '/chosen') response.writeHead(401, challenge).end()
      else response.writeHead(302, { location: `${other.url}/x` }).end()
    })
    await expect(ask(server)).rejects.toMatchObject({
      code: 'ERR_UNAUTHORIZED',
      hint: expect.stringContaining(`a redirect from localhost:${server.port} to localhost:${other.port}`),
    })
    expect(shown(server)).toEqual([
      [FILE, undefined],
      ['/chosen', undefined],
    ])
  })

  test('cannot make the client send credentials to an address of its choice at the token server', async () => {
    const other = await serve((_, response) => response.writeHead(307, { location: `${realm.url}/chosen` }).end())
    const realm: LoopbackServer = await serve(({ url, headers }, response) => {
      if (url === '/chosen') response.writeHead(401).end()
      else if (headers.authorization === undefined) response.writeHead(401).end()
      else response.writeHead(307, { location: `${other.url}/token` }).end()
    })
    const server = await serve((_, response) =>
      response.writeHead(401, { 'www-authenticate': `Bearer realm="${realm.url}/token",service=x` }).end(),
    )
    await expect(ask(server)).rejects.toMatchObject({ code: 'ERR_UNAUTHORIZED' })
    expect(shown(realm)).toEqual([
      ['/token', undefined],
      ['/token', basic],
      ['/chosen', undefined],
    ])
    expect(shown(other)).toEqual([['/token', undefined]])
  })

  // Another name for the same machine is another host, and so is another port.
  test.each(['127.0.0.1', 'localhost'])(
    'on %s cannot make the client show its certificate: the redirect back is refused',
    async (host) => {
      const made = { issuer: testAuthority, notBefore: new Date(Date.now() - 1e8), notAfter: new Date(Date.now() + 1e8) }
      const client = createCertificate({ ...made, subject: { cn: 'client' }, extendedKeyUsage: ['clientAuth'] })
      const other = await serve((_, response) => response.writeHead(302, { location: `${server.url}/chosen` }).end())
      const mutual = { requestCert: true, rejectUnauthorized: true, ca: testAuthority.pem }
      const location = `https://${host}:${other.port}/x`
      const server: LoopbackServer = await serve((_, response) => response.writeHead(302, { location }).end(), mutual)
      const folder = join(world.dockerConfig, 'tls', `localhost:${server.port}`)
      await mkdir(folder, { recursive: true })
      await writeFile(join(folder, 'client.cert'), client.pem)
      await writeFile(join(folder, 'client.key'), client.privateKey.export({ type: 'pkcs8', format: 'pem' }))
      await expect(ask(server)).rejects.toMatchObject({
        code: 'ERR_SERVER_RESPONSE',
        hint: expect.stringContaining(`leads back to localhost:${server.port}, which would get the client certificate`),
      })
      expect(other.requests).toHaveLength(1)
      expect(shown(server)).toEqual([[FILE, undefined]])
    },
  )

  test('gets no credentials, and after it no host does, along any chain of redirects', async () => {
    const way: number[] = []
    const hop: Handler = (_, response) => {
      const next = way.shift()
      if (next === undefined) response.end('{}')
      else response.writeHead(302, { location: `${hosts[next]?.url}/hop` }).end()
    }
    const asked: Handler = (request, response) => {
      if (request.url === FILE && request.headers.authorization === undefined) response.writeHead(401, challenge).end()
      else hop(request, response)
    }
    const hosts = [await serve(asked), await serve(hop), await serve(hop)]
    const [first] = hosts
    if (first === undefined) throw new Error('no host')
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(2), { maxLength: MAX_REDIRECTS }), async (hops) => {
        for (const host of hosts) host.requests.length = 0
        way.push(...hops)
        expect(await ask(first)).toHaveLength(2)
        const seen = hosts.flatMap(({ requests }) => requests.filter(({ headers }) => headers.authorization !== undefined))
        const stayed = hops.findIndex((host) => host !== 0)
        expect(seen).toHaveLength(1 + (stayed === -1 ? hops.length : stayed))
      }),
      { numRuns: 40 },
    )
  })
})

describe('a 404 of a host that the client did not ask', () => {
  /** Serves the story's collection, and redirects requests for some files to another host. */
  async function elsewhere(story: Story, files: RegExp, answer: (server: LoopbackServer) => Handler) {
    const other = await serve((request, response) => answer(server)(request, response))
    const server: LoopbackServer = await serve(({ url }, response) => {
      const name = /tuf\/(.+)\.json$/.exec(url)?.[1] ?? ''
      const honest = story.collection.served(name)
      if (url === '/gone' || (honest === undefined && !files.test(name))) response.writeHead(404).end()
      else if (files.test(name)) response.writeHead(302, { location: `${other.url}/x` }).end()
      else response.end(honest)
    })
    const options = {
      env: {},
      disableContentTrust: false,
      dockerConfig: world.dockerConfig,
      ca: testAuthority.pem,
      now: () => story.now,
    }
    return { other, server, options: { ...options, server: server.url, store: createMemoryStore() } }
  }
  const notFound = (): Handler => (_, response) => response.writeHead(404).end()
  const backAndNotFound =
    (server: LoopbackServer): Handler =>
    (_, response) =>
      response.writeHead(302, { location: `${server.url}/gone` }).end()

  test.each([
    ['a 404 of the other host', notFound],
    ['a redirect back to a 404', backAndNotFound],
  ])('on first use: %s is not ERR_NO_TRUST_DATA', async (_, answer) => {
    const { other, server, options } = await elsewhere(new Story(), /./, answer)
    const host = `localhost:${server.port}`
    const redirectedTo = `localhost:${other.port}`
    expect(await refusalOf(verifyTag('alpine:3.19', options))).toMatchObject({
      code: 'ERR_SERVER_RESPONSE',
      message: `unable to reach trust server at this time: 404 after a redirect from ${host} to ${redirectedTo}.`,
      evidence: { status: 404, host, redirectedTo },
    })
  })

  test.each([/^timestamp$/, /^\d+\.root$/, /./])(
    'for %s is no usable answer: the client uses the cached timestamp',
    async (files) => {
      for (const answer of [notFound, backAndNotFound]) {
        const story = new Story()
        const { options } = await elsewhere(story, files, answer)
        await verifyTag('alpine:3.19', { ...options, transport: story.transport })
        story.wait(1)
        const result = await verifyTag('alpine:3.19', options)
        expect(result).toMatchObject({ status: 'trusted', freshness: 'stale' })
        expect('warnings' in result && result.warnings[0]?.message.startsWith(STALE_SENTENCE)).toBe(true)
      }
    },
  )

  test('a 404 after a redirect to the same server counts as its answer', async () => {
    const story = new Story()
    const server: LoopbackServer = await serve(({ url }, response) => {
      if (url === '/gone') response.writeHead(404).end()
      else response.writeHead(302, { location: '/gone' }).end()
    })
    expect(await ask(server)).toBeUndefined()
    const options = {
      env: {},
      disableContentTrust: false,
      server: server.url,
      dockerConfig: world.dockerConfig,
      ca: testAuthority.pem,
    }
    const refusal = await refusalOf(verifyTag('alpine:3.19', { ...options, store: createMemoryStore(), now: () => story.now }))
    expect(refusal.code).toBe('ERR_NO_TRUST_DATA')
  })
})
