/** The image of the demo: what an engine checks of it, and that its program runs. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { demoImage } from '../../src/cli/demo-image.js'

const digestOf = (bytes: Uint8Array) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`
/** This machine, as Docker calls processors. */
const HERE = process.arch === 'x64' ? 'amd64' : process.arch

function partsOf(architecture: string) {
  const image = demoImage(architecture)
  if (image === undefined) throw new Error(`there is no image for ${architecture}`)
  const manifest = JSON.parse(Buffer.from(image.manifest).toString())
  const blob = ({ digest }: { digest: string }) => Buffer.from(image.blobs.get(digest) ?? '')
  return { image, manifest, config: blob(manifest.config), layer: blob(manifest.layers[0]) }
}

describe.each(['amd64', 'arm64'])('%s', (architecture) => {
  test('digests and sizes are those of the content', () => {
    const { image, manifest, config, layer } = partsOf(architecture)
    expect(image.digest).toBe(digestOf(image.manifest))
    for (const [described, bytes] of [
      [manifest.config, config],
      [manifest.layers[0], layer],
    ])
      expect(described).toMatchObject({ digest: digestOf(bytes), size: bytes.length })
    expect(JSON.parse(config.toString()).rootfs.diff_ids).toEqual([digestOf(gunzipSync(layer))])
    expect(JSON.parse(config.toString())).toMatchObject({ architecture, os: 'linux' })
  })
})

test('there is none for other processors', () => {
  expect(demoImage('s390x')).toBeUndefined()
})

test.runIf(process.platform === 'linux' && demoImage(HERE) !== undefined)('its program runs on this machine', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dct-demo-image-'))
  try {
    await writeFile(join(folder, 'layer.tar'), gunzipSync(partsOf(HERE).layer))
    await promisify(execFile)('tar', ['-C', folder, '-xf', join(folder, 'layer.tar')])
    expect((await readFile(join(folder, 'hello'))).subarray(1, 4).toString()).toBe('ELF')
    const { stdout } = await promisify(execFile)(join(folder, 'hello'))
    expect(stdout).toBe('hello from an image that was verified before it was pulled\n')
  } finally {
    await rm(folder, { recursive: true })
  }
})
