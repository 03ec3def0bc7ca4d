/** The service through its sockets. */
import { writeFile } from 'node:fs/promises'
import { request as requestTls, Agent as TlsAgent } from 'node:https'
import { connect } from 'node:net'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createCertificate } from '../../src/testing/index.js'
import { type Handler, serverCertificate, startServer, testAuthority } from '../support/loopback-server.js'
import { ACCEPTING, type Answer, codeOf, DIGEST, IMAGE, type Laboratory, startLaboratory } from './laboratory.js'

const SECRET = 'correct-horse-battery-staple'

let lab: Laboratory
beforeEach(async () => {
  lab = await startLaboratory()
})
afterEach(() => lab.close())

const verify = (body: string, headers: Record<string, string> = { 'content-type': 'application/json' }): Promise<Answer> =>
  lab.ask('/verify', { method: 'POST', headers, body })

test('answers GET and HEAD as a registry does', async () => {
  await lab.start()
  const headers = {
    'content-type': 'application/vnd.oci.image.manifest.v1+json',
    'docker-content-digest': DIGEST,
    'content-length': String(IMAGE.length),
  }
  expect(await lab.manifest()).toMatchObject({ status: 200, body: IMAGE.toString(), headers })
  expect(await lab.manifest('1.0', { method: 'HEAD' })).toMatchObject({ status: 200, body: '', headers })
  expect(await lab.ask('/v2/')).toMatchObject({ status: 200 })
  expect(await lab.ask(`/v2/localhost_${lab.registry.port}/team/app/manifests/1.0`)).toMatchObject({ status: 200 })
  expect(lab.registry.requests.length).toBe(1)
})

test.each<[string, Handler, string]>([
  ['other bytes', (_, response) => void response.end(IMAGE.toString().replace('2', '3')), '403 ERR_HASH_MISMATCH'],
  ['more bytes', (_, response) => void response.end(`${IMAGE.toString()} `), '403 ERR_METADATA_TOO_LARGE'],
  ['fewer bytes', (_, response) => void response.end(IMAGE.subarray(1)), '403 ERR_HASH_MISMATCH'],
  ['nothing', (_, response) => void response.writeHead(404).end(), '404 MANIFEST_UNKNOWN'],
  ['a fault', (_, response) => void response.writeHead(500).end(), '503 ERR_SERVER_RESPONSE'],
])('a registry that has %s for the signed digest', async (_, handler, expected) => {
  lab.serves = handler
  await lab.start()
  expect(codeOf(await lab.manifest())).toBe(expected)
})

test('a registry that lies about the media type and the digest in its headers changes nothing', async () => {
  lab.serves = (_, response) => {
    response.writeHead(200, {
      'content-type': 'application/vnd.docker.distribution.manifest.list.v2+json',
      'docker-content-digest': `sha256:${'0'.repeat(64)}`,
    })
    response.end(IMAGE)
  }
  await lab.start()
  expect((await lab.manifest()).headers).toMatchObject({
    'content-type': 'application/vnd.oci.image.manifest.v1+json',
    'docker-content-digest': DIGEST,
  })
})

test('without the trust server the last answer counts until it expires', async () => {
  await lab.start()
  expect((await lab.manifest()).status).toBe(200)
  lab.trust.faults.set('*', 'unreachable')
  expect((await lab.manifest()).status).toBe(200)
  expect(lab.lines.at(-1)).toMatchObject({ decision: 'trusted', freshness: 'stale', warnings: ['WARN_STALE_TIMESTAMP'] })
  lab.clock.advance({ days: 15 })
  expect(codeOf(await lab.manifest())).toBe('403 ERR_METADATA_EXPIRED')
  expect((await lab.ask('/readyz')).status).toBe(200)
})

test('without the trust server an unknown collection is 503, with a time to try again', async () => {
  lab.trust.faults.set('*', 'unreachable')
  await lab.start()
  const answer = await lab.manifest()
  expect(codeOf(answer)).toBe('503 ERR_SERVER_UNREACHABLE')
  expect(answer.headers['retry-after']).toBe('1')
})

test('a collection is refused on first use unless a rule accepts it, however often it is asked for', async () => {
  await lab.start('version: 1\nrules: []\ndefault: { action: enforce }\n')
  for (const _ of [1, 2, 3]) expect(codeOf(await lab.manifest())).toBe('403 ERR_ROOT_UNTRUSTED')
})

test('the actions of a policy: deny asks nobody, warn and skip let the tag of the registry through', async () => {
  const at = `localhost:${lab.registry.port}/team`
  lab.collection.publish()
  lab.serves = ({ url }, response) => {
    if (url.includes('/missing')) return response.writeHead(404).end()
    return response.setHeader('docker-content-digest', DIGEST).end(IMAGE)
  }
  await lab.start(`
version: 1
default: { action: deny }
rules:
  - { match: '${at}/app:1.*', action: warn, firstUse: accept }
  - { match: '${at}/app:unsigned', action: warn, firstUse: accept }
  - { match: '${at}/app:skipped', action: skip }
  - { match: '${at}/app:missing', action: skip }
`)
  expect(codeOf(await lab.manifest('other'))).toBe('403 ERR_POLICY_DENIED')
  expect([lab.trust.requests, lab.registry.requests]).toEqual([[], []])
  expect((await lab.manifest('1.0')).status).toBe(200)
  expect(lab.lines.at(-1)).toMatchObject({ decision: 'trusted' })
  expect((await lab.manifest('unsigned')).headers['docker-content-digest']).toBe(DIGEST)
  expect(lab.lines.at(-1)).toMatchObject({ decision: 'permitted', code: 'ERR_TAG_NOT_SIGNED', policy: { action: 'warn' } })
  expect((await lab.manifest('skipped')).status).toBe(200)
  expect(lab.lines.at(-1)).toMatchObject({ decision: 'skipped' })
  expect(codeOf(await lab.manifest('missing'))).toBe('404 MANIFEST_UNKNOWN')
})

test('a rule that requires signers is applied', async () => {
  await lab.start('version: 1\nrules: []\ndefault: { firstUse: accept, requireSigners: { all: [alice] } }\n')
  expect(codeOf(await lab.manifest())).toBe('403 ERR_SIGNER_MISSING')
})

test('within the maxAge of a rule the trust server is not asked again', async () => {
  for (const [maxAge, isAskedAgain] of [
    [0, true],
    [60_000, false],
  ] as const) {
    await lab.start(`version: 1\nrules: []\ndefault: { firstUse: accept, maxAge: ${maxAge} }\n`)
    expect((await lab.manifest()).status).toBe(200)
    const asked = lab.trust.requests.length
    expect((await lab.manifest()).status).toBe(200)
    expect(lab.trust.requests.length > asked).toBe(isAskedAgain)
  }
})

test.each([
  ['no default', 'version: 1\nrules: []\n'],
  ['no YAML', '{'],
])('does not start with a policy that it cannot apply in full: %s', async (_, policy) => {
  await expect(lab.start(policy)).rejects.toMatchObject({ code: 'ERR_SETTINGS_INVALID' })
})

test('does not listen beyond this machine without TLS', async () => {
  await expect(lab.start(ACCEPTING, { listen: { host: '0.0.0.0', port: 0 } })).rejects.toMatchObject({
    code: 'ERR_SETTINGS_INVALID',
  })
})

test('contacts no host that its configuration does not name', async () => {
  const other = await startServer((_, response) => void response.end(IMAGE))
  try {
    const { DOCKER_CONTENT_TRUST_SERVER: _, ...env } = lab.trust.env
    await lab.start(ACCEPTING, { client: { env, now: lab.clock.now, ca: [testAuthority.pem] } })
    const named = `localhost:${other.port}/team/app:1.0`
    expect((await lab.ask(`/v2/team/app/manifests/1.0?ns=localhost%3A${other.port}`)).status).toBe(403)
    const [result] = JSON.parse((await verify(JSON.stringify({ references: [named] }))).body).results
    expect(result).toMatchObject({ status: 'failed', error: { code: 'ERR_SETTINGS_INVALID' } })
    expect(other.connections()).toBe(0)
  } finally {
    await other.close()
  }
})

test('POST /verify answers for each reference in its order', async () => {
  await lab.start()
  const at = `localhost:${lab.registry.port}/team/app`
  const references = [`${at}:1.0`, 'not a reference', `${at}:2.0`, `${at}@${DIGEST}`, `${at}:1.0`]
  const answer = await verify(JSON.stringify({ references }))
  const results: { status: string; reference: string; digest?: string; error?: { code: string } }[] = JSON.parse(
    answer.body,
  ).results
  expect(results.map(({ reference }) => reference)).toEqual(references)
  expect(results.map(({ status, error }) => error?.code ?? status)).toEqual([
    'trusted',
    'ERR_REFERENCE_INVALID',
    'ERR_TAG_NOT_SIGNED',
    'trusted-digest',
    'trusted',
  ])
  expect(results[0]).toMatchObject({ digest: DIGEST, policy: { match: 'default', action: 'enforce' } })
  expect(lab.registry.requests).toEqual([])
})

test.each([
  ['no JSON', '{', {}, 400],
  ['no object', '[]', {}, 400],
  ['a member twice', '{"references":["a"],"references":[]}', {}, 400],
  ['another member', '{"references":[],"policy":"x"}', {}, 400],
  ['a number', '{"references":[1]}', {}, 400],
  ['too many', JSON.stringify({ references: Array(101).fill('a') }), {}, 400],
  ['a form', 'references=a', { 'content-type': 'application/x-www-form-urlencoded' }, 415],
  ['a long body', JSON.stringify({ references: ['a'.repeat(200_000)] }), {}, 413],
  [
    'a long body of unknown length',
    JSON.stringify({ references: ['a'.repeat(200_000)] }),
    { 'transfer-encoding': 'chunked' },
    413,
  ],
])('POST /verify refuses %s', async (_, body, headers, status) => {
  await lab.start()
  expect((await verify(body, { 'content-type': 'application/json', ...headers })).status).toBe(status)
  expect(lab.lines).toEqual([])
})

test.each([
  ['POST', '/v2/team/app/manifests/1.0?ns=r.example', 405],
  ['PUT', '/v2/', 405],
  ['GET', '/verify', 405],
  ['GET', '/v2/team/app/blobs/sha256:00?ns=r.example', 404],
  ['GET', '/v2/team/app/manifests/1.0', 400],
  ['GET', '/v2/team/app/manifests/1.0?ns=a.example&ns=a.example', 400],
  ['GET', '/', 404],
  ['GET', '/livez', 200],
])('%s %s is %i', async (method, path, status) => {
  await lab.start()
  expect((await lab.ask(path, { method })).status).toBe(status)
})

test('the Host header decides nothing', async () => {
  await lab.start()
  expect((await lab.manifest('1.0', { headers: { host: 'evil.example' } })).status).toBe(200)
  expect((await lab.ask('/v2/team/app/manifests/1.0', { headers: { host: `localhost:${lab.registry.port}` } })).status).toBe(400)
})

test('a client without a certificate does not get what only the credentials of the service open', async () => {
  lab.serves = ({ headers }, response) =>
    headers.authorization === undefined
      ? response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
      : response.end(IMAGE)
  const credentials = { username: 'robot', password: SECRET }
  const client = { env: lab.trust.env, now: lab.clock.now, ca: [testAuthority.pem, lab.trust.ca], credentials }
  const host = `localhost:${lab.registry.port}`
  await lab.start(ACCEPTING, { client, sharedCredentials: [host] })
  expect((await lab.manifest()).status).toBe(200)
  await lab.service?.close()
  await lab.start(ACCEPTING, { client })
  expect(codeOf(await lab.manifest())).toBe('503 ERR_UNAUTHORIZED')
  const metrics = await lab.ask('/metrics', { port: lab.service?.metricsPort ?? 0 })
  expect(`${JSON.stringify(lab.lines)}${metrics.body}`).not.toContain(SECRET)
})

test('over TLS a client certificate opens the credentials of the service, and a stranger’s does not', async () => {
  lab.serves = ({ headers }, response) =>
    headers.authorization === undefined
      ? response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
      : response.end(IMAGE)
  const own = serverCertificate()
  const files = { cert: join(lab.folder, 'tls.crt'), key: join(lab.folder, 'tls.key'), clientCa: join(lab.folder, 'ca.crt') }
  const keyOf = ({ privateKey }: typeof own): string => privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  await writeFile(files.cert, own.pem)
  await writeFile(files.key, keyOf(own))
  await writeFile(files.clientCa, testAuthority.pem)
  const credentials = { username: 'robot', password: SECRET }
  await lab.start(ACCEPTING, {
    listen: { host: '127.0.0.1', port: 0, tls: files },
    client: { env: lab.trust.env, now: lab.clock.now, ca: [testAuthority.pem, lab.trust.ca], credentials },
  })
  const path = `/v2/team/app/manifests/1.0?ns=localhost%3A${lab.registry.port}`
  const askTls = (tls: object): Promise<{ status: number; serial: string }> =>
    new Promise((resolve, reject) => {
      const options = { host: 'localhost', port: lab.service?.port, path, agent: false, ca: testAuthority.pem, ...tls }
      const sent = requestTls(options, (response) => {
        const serial = 'getPeerCertificate' in response.socket ? Object(response.socket).getPeerCertificate().serialNumber : ''
        response.resume().on('end', () => resolve({ status: response.statusCode ?? 0, serial }))
      })
      sent.on('error', reject).end()
    })
  const now = Date.now()
  const span = { notBefore: new Date(now - 3_600_000), notAfter: new Date(now + 3_600_000) }
  const client = createCertificate({ subject: { cn: 'node' }, issuer: testAuthority, extendedKeyUsage: ['clientAuth'], ...span })
  const stranger = createCertificate({ subject: { cn: 'node' }, ...span })
  expect((await askTls({})).status).toBe(503)
  expect((await askTls({ cert: stranger.pem, key: keyOf(stranger) })).status).toBe(503)
  const first = await askTls({ cert: client.pem, key: keyOf(client) })
  expect(first.status).toBe(200)
  // What the certificate opened is not for the others, and a session that was taken up again shows no certificate.
  expect((await askTls({})).status).toBe(503)
  const session = await new Promise<Buffer>((resolve, reject) => {
    const socket = connectTls({ host: 'localhost', port: lab.service?.port, ca: testAuthority.pem })
    socket.on('error', reject).once('session', (ticket: Buffer) => socket.end(() => resolve(ticket)))
    socket.write('GET /livez HTTP/1.1\r\nhost: x\r\n\r\n')
  })
  expect((await askTls({ session })).status).toBe(503)
  expect((await askTls({ session, cert: client.pem, key: keyOf(client) })).status).toBe(503)
  const renewed = serverCertificate()
  await writeFile(files.cert, renewed.pem)
  await lab.service?.reload()
  expect(lab.lines).toContainEqual(expect.objectContaining({ event: 'reload-failed', what: 'certificates' }))
  expect((await askTls({})).serial).toBe(first.serial)
  await writeFile(files.key, keyOf(renewed))
  await lab.service?.reload()
  expect((await askTls({})).serial).not.toBe(first.serial)
})

test('a client CA that was taken away opens nothing more, on open connections and in sessions that are taken up again', async () => {
  lab.serves = ({ headers }, response) =>
    headers.authorization === undefined
      ? response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
      : response.end(IMAGE)
  const pemOf = ({ privateKey }: ReturnType<typeof serverCertificate>): string =>
    privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const span = { notBefore: new Date(Date.now() - 3_600_000), notAfter: new Date(Date.now() + 3_600_000) }
  const clients = createCertificate({ subject: { cn: 'clients' }, ca: true, ...span })
  const client = createCertificate({ subject: { cn: 'node' }, issuer: clients, extendedKeyUsage: ['clientAuth'], ...span })
  const own = serverCertificate()
  const files = { cert: join(lab.folder, 'tls.crt'), key: join(lab.folder, 'tls.key'), clientCa: join(lab.folder, 'ca.crt') }
  await writeFile(files.cert, own.pem)
  await writeFile(files.key, pemOf(own))
  await writeFile(files.clientCa, clients.pem)
  await lab.start(ACCEPTING, {
    listen: { host: '127.0.0.1', port: 0, tls: files, times: { keepAliveTimeout: 20_000 } },
    client: {
      env: lab.trust.env,
      now: lab.clock.now,
      ca: [testAuthority.pem, lab.trust.ca],
      credentials: { username: 'robot', password: SECRET },
    },
  })
  const path = `/v2/team/app/manifests/1.0?ns=localhost%3A${lab.registry.port}`
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    await writeFile(files.clientCa, clients.pem)
    await lab.service?.reload()
    const tls = {
      host: 'localhost',
      port: lab.service?.port,
      ca: testAuthority.pem,
      maxVersion,
      cert: client.pem,
      key: pemOf(client),
    }
    const agent = new TlsAgent({ keepAlive: true, maxSockets: 1, ...tls })
    const ask = (options: object): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const sent = requestTls({ ...tls, path, ...options }, (response) => {
          response.resume().on('end', () => resolve(response.statusCode))
        })
        sent.on('error', reject).end()
      })
    const session = await new Promise<Buffer>((resolve, reject) => {
      const socket = connectTls(tls)
      socket.on('error', reject).once('session', (ticket: Buffer) => socket.end(() => resolve(ticket)))
      socket.write('GET /livez HTTP/1.1\r\nhost: x\r\n\r\n')
    })
    expect([await ask({ agent }), await ask({ agent: false, session })]).toEqual([200, 200])
    await writeFile(files.clientCa, testAuthority.pem)
    await lab.service?.reload()
    expect(await ask({ agent }).catch((cause) => cause.code)).toBe('ECONNRESET')
    expect([await ask({ agent: false, session }), await ask({ agent })]).toEqual([503, 503])
    agent.destroy()
  }
})

test('fifty requests at once cost one manifest and few questions', async () => {
  await lab.start()
  const answers = await Promise.all(Array.from({ length: 50 }, () => lab.manifest()))
  expect(answers.map(({ status }) => status)).toEqual(Array(50).fill(200))
  expect(lab.registry.requests.length).toBe(1)
  expect(lab.trust.requests.length).toBeLessThan(50)
})

test('a client that sends half a request does not keep the service from stopping', async () => {
  const { port, close } = await lab.start()
  const socket = connect(port, '127.0.0.1')
  await new Promise((resolve) => socket.once('connect', resolve))
  const ended = new Promise((resolve) => socket.on('error', () => undefined).once('close', resolve))
  const started = performance.now()
  await close()
  await ended
  expect(performance.now() - started).toBeLessThan(5_000)
})

test('what the password of a client opened is closed a minute after the registry refuses that password', async () => {
  const open = lab.serves
  const revoked = new Set<string | undefined>()
  lab.serves = (seen, response) =>
    revoked.has(seen.headers.authorization) ? response.writeHead(401).end() : open(seen, response)
  await lab.start()
  const own = { headers: { authorization: 'Basic b3duOm93bg==' } }
  expect([(await lab.manifest('1.0', own)).status, (await lab.manifest()).status]).toEqual([200, 200])
  revoked.add(own.headers.authorization)
  const real = performance.now.bind(performance)
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => real() + 61_000)
  try {
    expect(codeOf(await lab.manifest('1.0', own))).toBe('503 ERR_UNAUTHORIZED')
    const asked = lab.registry.requests.length
    expect((await lab.manifest()).status).toBe(200)
    expect(lab.registry.requests.length, 'what is open to all stays').toBe(asked)
  } finally {
    clock.mockRestore()
  }
})
