/** examples/systemd: the unit is one that systemd and dct can read, and its command runs. `npm test` builds the program first. */
import { execFile, spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { chooseCommand, readCommandLine } from '../../src/cli/arguments.js'
import { createCertificate } from '../../src/testing/index.js'

const BIN = fileURLToPath(new URL('../../dist/cli/bin.cjs', import.meta.url))
const UNIT = fileURLToPath(new URL('../../examples/systemd/dct-serve.service', import.meta.url))

const unit = await readFile(UNIT, 'utf8')
/** The words behind the program. */
const words = (/^ExecStart=\S+ ((?:.*\\\n)*.*)$/m.exec(unit)?.[1] ?? '').replaceAll('\\\n', ' ').trim().split(/\s+/)

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dct-unit-'))
})
afterEach(() => rm(folder, { recursive: true }))

function hasProgram(name: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((place) => {
    try {
      accessSync(join(place, name), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

test('dct knows the command and its options', () => {
  expect(chooseCommand(readCommandLine(words)).command.name).toBe('serve')
})

test('the command serves with the files of the unit, and ends with success on SIGTERM', { timeout: 60_000 }, async () => {
  const { pem, privateKey } = createCertificate({
    subject: { cn: 'localhost' },
    san: ['localhost'],
    notBefore: new Date(Date.now() - 86_400_000),
    notAfter: new Date(Date.now() + 86_400_000),
  })
  for (const place of ['credentials', 'state']) await mkdir(join(folder, place))
  await writeFile(join(folder, 'credentials', 'tls.crt'), pem)
  await writeFile(join(folder, 'credentials', 'tls.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }))
  await writeFile(join(folder, 'policy.yaml'), 'version: 1\ndefault: { action: deny }\nrules: []\n')
  const places: readonly (readonly [string, string])[] = [
    [`\${CREDENTIALS_DIRECTORY}`, join(folder, 'credentials')],
    [`\${STATE_DIRECTORY}`, join(folder, 'state')],
    ['/etc/dct', folder],
  ]
  const here = words.map((word) =>
    places.reduce((text, [from, to]) => text.replace(from, to), word).replace(/^127\.0\.0\.1:[0-9]+$/, '127.0.0.1:0'),
  )
  const child = spawn(process.execPath, [BIN, ...here], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: process.env['PATH'] },
  })
  let err = ''
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk
    // Once: a second signal would end it at once.
    if (String(chunk).includes('listening on https port')) child.kill('SIGTERM')
  })
  const timer = setTimeout(() => child.kill('SIGKILL'), 50_000)
  const status = await new Promise((resolve) => child.once('close', resolve))
  clearTimeout(timer)
  expect([status, err]).toEqual([0, expect.stringContaining('stopping')])
})

test.skipIf(!hasProgram('systemd-analyze'))('systemd can read the unit, and the service may do little', async () => {
  const file = join(folder, 'dct-serve.service')
  // The program must be there.
  await writeFile(file, unit.replace('/usr/local/bin/dct', process.execPath))
  const analyze = (...args: string[]) => promisify(execFile)('systemd-analyze', [...args, file])
  expect(await analyze('verify', '--man=no')).toEqual({ stdout: '', stderr: '' })
  // 0 is the least exposure, 100 the most. Rejects above the threshold.
  await analyze('security', '--offline=true', '--threshold=20', '--no-pager')
})
