/** An image of some hundred bytes that says a line: one program, without a shell or a library, for the processor of the engine. */
import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'

/** What a registry has of an image. */
export interface DemoImage {
  readonly digest: string
  readonly manifest: Uint8Array
  readonly mediaType: string
  /** By digest. */
  readonly blobs: ReadonlyMap<string, Uint8Array>
}

/** What the program prints. */
const GREETING = 'hello from an image that was verified before it was pulled'

const MEDIA_TYPE = 'application/vnd.docker.distribution.manifest.v2+json'

/** Where Linux loads the program, and where its code begins in the file: behind the headers. */
const ADDRESS = 0x400000
const HEADERS = 64 + 56

/** Machine code of write(1, text, length) and exit(0), by the processor as Docker calls it; the text follows. */
const PROGRAMS: ReadonlyMap<string, { readonly machine: number; readonly code: (length: number) => Buffer }> = new Map([
  ['amd64', { machine: 62, code: amd64 }],
  ['arm64', { machine: 183, code: arm64 }],
])

/** The image for a processor, or undefined for one that there is no program for. The same bytes each time. */
export function demoImage(architecture: string): DemoImage | undefined {
  const program = PROGRAMS.get(architecture)
  if (program === undefined) return undefined
  const text = Buffer.from(`${GREETING}\n`)
  const tar = tarOf('hello', executable(program.machine, Buffer.concat([program.code(text.length), text])))
  const layer = gzipSync(tar)
  const rootfs = { type: 'layers', diff_ids: [digestOf(tar)] }
  const config = json({ architecture, os: 'linux', config: { Cmd: ['/hello'] }, rootfs })
  const described = (mediaType: string, bytes: Uint8Array) => ({ mediaType, size: bytes.length, digest: digestOf(bytes) })
  const manifest = json({
    schemaVersion: 2,
    mediaType: MEDIA_TYPE,
    config: described('application/vnd.docker.container.image.v1+json', config),
    layers: [described('application/vnd.docker.image.rootfs.diff.tar.gzip', layer)],
  })
  const blobs = new Map([config, layer].map((bytes) => [digestOf(bytes), bytes]))
  return { digest: digestOf(manifest), manifest, mediaType: MEDIA_TYPE, blobs }
}

function amd64(length: number): Buffer {
  const code = Buffer.from('b801000000bf01000000488d3510000000ba000000000f05b83c00000031ff0f05', 'hex')
  code.writeUInt32LE(length, 18)
  return code
}

function arm64(length: number): Buffer {
  const movz = (register: number, value: number) => 0xd2800000 + value * 32 + register
  const adrBehind = (instructions: number) => 0x10000000 + instructions * 32 + 1
  const supervisorCall = 0xd4000001
  const code = [movz(8, 64), movz(0, 1), adrBehind(6), movz(2, length), supervisorCall, movz(8, 93), movz(0, 0), supervisorCall]
  const bytes = Buffer.alloc(code.length * 4)
  code.forEach((instruction, index) => void bytes.writeUInt32LE(instruction, index * 4))
  return bytes
}

/** An ELF file with one segment: itself. */
function executable(machine: number, code: Buffer): Buffer {
  const file = Buffer.concat([Buffer.alloc(HEADERS), code])
  file.write('7f454c46020101', 0, 'hex')
  file.writeUInt16LE(2, 16) // an executable
  file.writeUInt16LE(machine, 18)
  file.writeUInt32LE(1, 20)
  file.writeBigUInt64LE(BigInt(ADDRESS + HEADERS), 24) // where it starts
  file.writeBigUInt64LE(64n, 32) // where the segment is described
  file.writeUInt16LE(64, 52)
  file.writeUInt16LE(56, 54)
  file.writeUInt16LE(1, 56)
  file.writeUInt32LE(1, 64) // loaded
  file.writeUInt32LE(5, 68) // readable and executable
  file.writeBigUInt64LE(BigInt(ADDRESS), 80)
  file.writeBigUInt64LE(BigInt(ADDRESS), 88)
  file.writeBigUInt64LE(BigInt(file.length), 96)
  file.writeBigUInt64LE(BigInt(file.length), 104)
  file.writeBigUInt64LE(4096n, 112)
  return file
}

/** A tar archive (POSIX ustar) with one executable file. */
function tarOf(name: string, content: Buffer): Buffer {
  const header = Buffer.alloc(512)
  const octal = (value: number, at: number, width: number) => header.write(`${value.toString(8).padStart(width - 1, '0')}\0`, at)
  header.write(name)
  octal(0o755, 100, 8)
  octal(0, 108, 8)
  octal(0, 116, 8)
  octal(content.length, 124, 12)
  octal(0, 136, 12)
  header.fill(' ', 148, 156)
  header.write('0', 156)
  header.write('ustar\u000000', 257)
  octal(
    header.reduce((sum, byte) => sum + byte, 0),
    148,
    7,
  )
  const padding = Buffer.alloc((512 - (content.length % 512)) % 512)
  return Buffer.concat([header, content, padding, Buffer.alloc(1024)])
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value))
}

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}
