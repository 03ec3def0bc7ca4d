/**
 * Oracle Linux, "Oracle Container Runtime for Docker User's Guide", chapter 6, "Using Docker Registries", in the order of the manual,
 * with `dct pull` where it says `docker pull`. Hosts have the names of the manual; their servers are the laboratory's.
 * Source: docs.oracle.com/en/operating-systems/oracle-linux/docker/docker-UsingDockerRegistries.html, read through this
 * project's notes; the page itself was not at hand.
 */
import { copyFile, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  CLOSED_REGISTRY,
  type EngineLab,
  expectSuccess,
  LOGIN,
  ORACLE,
  ORACLE_MIRROR,
  REGISTRY,
  startEngineLab,
  TRUST_SERVER,
  type User,
} from './lab/engine-lab.js'

const IMAGE = `${ORACLE}/os/oraclelinux`

let lab: EngineLab
let publisher: User
let user: User
let digest: string
beforeAll(async () => {
  lab = await startEngineLab()
  publisher = await lab.createUser('oracle')
  digest = await lab.sign(publisher, `${IMAGE}:9`)
  await lab.push(publisher, `${IMAGE}:unsigned`)
  await lab.removeImages()
  user = await lab.createUser('administrator')
})
afterAll(async () => lab?.[Symbol.asyncDispose]())

/** `export DOCKER_CONTENT_TRUST_SERVER=...` and `export DOCKER_CONTENT_TRUST=1`. */
const EXPORTED = { DOCKER_CONTENT_TRUST_SERVER: TRUST_SERVER, DOCKER_CONTENT_TRUST: '1' }
const login = (who: User, registry: string) =>
  who.docker(['login', '--username', LOGIN.user, '--password-stdin', registry], { input: LOGIN.password })
const tagged = async (image: string) => (await user.docker(['image', 'inspect', '--format', '{{.Id}}', image])).status === 0

describe('content trust', () => {
  test('with the two variables set, a signed image is pulled by its digest and tagged', async () => {
    const { status, stdout, stderr } = await user.dct(['pull', `${IMAGE}:9`], { env: EXPORTED })
    expect(status, stderr).toBe(0)
    expect(stdout.split('\n')[0]).toBe(`Pull (1 of 1): ${IMAGE}:9@${digest}`)
    expect(stdout).toContain(`Status: Downloaded newer image for ${IMAGE}@${digest}\n`)
    expect(stderr).toContain(`Tagging ${IMAGE}@${digest} as ${IMAGE}:9\n`)
    expect((await user.docker(['run', '--rm', '--network', 'none', `${IMAGE}:9`])).stdout).toBe(`this is ${IMAGE}:9\n`)
  })

  test('an image that is not signed there is refused, in words of the manual, with exit status 3', async () => {
    const { status, stdout, stderr } = await user.dct(['pull', 'nginx'], { env: EXPORTED })
    expect({ status, stdout }).toEqual({ status: 3, stdout: 'Using default tag: latest\n' })
    expect(stderr).toContain(
      'remote trust data does not exist for nginx: container-trust.oci.oraclecloud.com:443 does not have trust data for docker.io/library/nginx',
    )
  })

  test('a tag that was pushed without a signature is refused', async () => {
    const { status, stderr } = await user.dct(['pull', `${IMAGE}:unsigned`], { env: EXPORTED })
    expect(status).toBe(3)
    expect(stderr).toContain('No valid trust data for unsigned')
    expect(await tagged(`${IMAGE}:unsigned`)).toBe(false)
  })

  test('unset, docker pulls anything; dct goes on verifying, unless the variable says off', async () => {
    expect((await user.dct(['pull', `${IMAGE}:unsigned`])).status).toBe(3)
    expect((await user.docker(['pull', '-q', `${IMAGE}:unsigned`])).status).toBe(0)
    expect((await user.dct(['pull', '-q', `${IMAGE}:unsigned`], { env: { DOCKER_CONTENT_TRUST: '0' } })).status).toBe(0)
  })
})

describe('mirrors', () => {
  test('an image is pulled at a mirror by the name of the mirror, and verified by the name that Oracle signed', async () => {
    const { status, stdout, stderr } = await user.dct(['pull', `${ORACLE_MIRROR}/os/oraclelinux:9`], { env: EXPORTED })
    expect(status, stderr).toBe(0)
    expect(stdout.endsWith(`\n${ORACLE_MIRROR}/os/oraclelinux:9\n`)).toBe(true)
    expect(await tagged(`${ORACLE_MIRROR}/os/oraclelinux:9`)).toBe(true)
  })
})

describe('a registry that wants a login', () => {
  const image = `${CLOSED_REGISTRY}/database/enterprise:19`
  beforeAll(async () => {
    await expectSuccess(login(publisher, CLOSED_REGISTRY))
    await lab.sign(publisher, image)
    await lab.removeImages()
  })

  test('without it the verified digest cannot be pulled: the words and the status are those of docker', async () => {
    const theirs = await user.docker(['pull', image], { env: EXPORTED })
    const { status, stderr } = await user.dct(['pull', image], { env: EXPORTED })
    expect(status).toBe(theirs.status)
    expect(status).not.toBe(0)
    expect(stderr).toContain('no basic auth credentials')
    expect(await tagged(image)).toBe(false)
  })

  test('after docker login it is pulled', async () => {
    await expectSuccess(login(user, CLOSED_REGISTRY))
    const { status, stderr } = await user.dct(['pull', image], { env: EXPORTED })
    expect(status, stderr).toBe(0)
    expect(await tagged(image)).toBe(true)
  })

  test('after docker logout it is not', async () => {
    await lab.removeImages()
    await expectSuccess(user.docker(['logout', CLOSED_REGISTRY]))
    expect((await user.dct(['pull', image], { env: EXPORTED })).status).not.toBe(0)
    expect(await tagged(image)).toBe(false)
  })
})

describe('a local registry with a certificate of its own', () => {
  const image = `${REGISTRY}/team/app:1.0`
  beforeAll(async () => {
    await lab.sign(publisher, image)
    await lab.removeImages()
  })

  test('a host that has its certificate in certs.d pulls from it', async () => {
    const { status, stderr } = await user.dct(['pull', image], { env: EXPORTED })
    expect(status, stderr).toBe(0)
    expect(await tagged(image)).toBe(true)
  })

  test('a host without it verifies, and the engine does not pull', async () => {
    await lab.removeImages()
    const place = join(lab.namespace.etc, 'docker', 'certs.d', REGISTRY)
    await rm(place, { recursive: true })
    const { status, stdout, stderr } = await user.dct(['pull', image], { env: EXPORTED })
    expect(status).toBe(1)
    expect(stdout).toMatch(/^Pull \(1 of 1\): /)
    expect(stderr).toContain('certificate signed by unknown authority')
    expect(await tagged(image)).toBe(false)
    await mkdir(place)
    await copyFile(lab.certificates.ca, join(place, 'ca.crt'))
    expect((await user.dct(['pull', image], { env: EXPORTED })).status).toBe(0)
  })

  test('the certificate of a trust server is found in certs.d too', async () => {
    const other = await lab.createUser('other')
    await rm(join(other.config, 'tls'), { recursive: true })
    expect(await other.dct(['verify', image], { env: EXPORTED })).toMatchObject({
      status: 5,
      stderr: expect.stringContaining('ERR_TLS'),
    })
    const place = join(lab.namespace.etc, 'docker', 'certs.d', TRUST_SERVER.replace('https://', ''))
    await mkdir(place)
    await copyFile(lab.certificates.ca, join(place, 'ca.crt'))
    expect((await other.dct(['verify', image], { env: EXPORTED })).status).toBe(0)
  })
})

describe('the trust server stopped', () => {
  test('what was verified before is pulled, with the warning of the manual', async () => {
    await lab.removeImages()
    await lab.trustServer.stop()
    // Docker reads what dct has kept.
    const theirs = await user.docker(['pull', `${IMAGE}:9`], { env: EXPORTED })
    expect(theirs.stderr).toContain('using cached timestamp')
    await lab.removeImages()
    const { status, stderr } = await user.dct(['pull', `${IMAGE}:9`], { env: EXPORTED })
    expect(status, stderr).toBe(0)
    expect(stderr).toContain(
      'dct: warning: Error while downloading remote metadata, using cached timestamp - this might not be the latest version available remotely',
    )
    expect(await tagged(`${IMAGE}:9`)).toBe(true)
  })

  test('who has seen nothing yet pulls nothing', async () => {
    const fresh = await lab.createUser('fresh')
    const { status, stderr } = await fresh.dct(['pull', `${IMAGE}:9`], { env: EXPORTED })
    expect(status).toBe(5)
    expect(stderr).toContain('error contacting notary server')
  })
})
