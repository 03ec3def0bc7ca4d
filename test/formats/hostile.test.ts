/** Files made to keep a reader busy: each ends, typed, within two seconds of processor time. */
import { expect, test } from 'vitest'
import { UsageError } from '../../src/errors.js'
import { findImageUses } from '../../src/formats/find-image-uses.js'
import { pinText } from '../../src/formats/pin-text.js'
import { lookup } from './corpus.js'

const MAX_SECONDS = 2
const MEGABYTES_10 = 10_000_000

const fill = (text: string, length: number) => text.repeat(Math.floor(length / text.length))
const count = (lines: number, line: (index: number) => string) =>
  Array.from({ length: lines }, (_, index) => line(index)).join('')
const pod = 'apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: a\n    image: alpine:3.19 # c\n---\n'

const HOSTILE: readonly (readonly [string, string, () => string])[] = [
  ['10 MB of instructions', 'Dockerfile', () => fill('FROM alpine\n', MEGABYTES_10)],
  ['10 MB of YAML', 'a.yaml', () => fill(pod, MEGABYTES_10)],
  ['10 MB of JSON', 'a.json', () => `[${fill('{"a":1},', MEGABYTES_10)}0]`],
  ['as many stages as allowed', 'Dockerfile', () => count(5000, (index) => `FROM alpine:${index} AS a${index}\n`)],
  ['copies from every stage', 'Dockerfile', () => count(2500, (index) => `FROM a:1 AS s${index}\nCOPY --from=s${index} a b\n`)],
  ['one instruction of many lines', 'Dockerfile', () => `FROM a:1\nRUN ${fill('a \\\n', 500_000)}`],
  ['blank lines', 'Dockerfile', () => fill('\n', 500_000)],
  ['unknown instructions', 'Dockerfile', () => fill('F\n', 500_000)],
  [
    'many here-documents of one instruction',
    'Dockerfile',
    () => `FROM a:1\nRUN ${fill('<<E ', 60_000)}\n${fill('E\n', 400_000)}`,
  ],
  ['a here-document without end in every line', 'Dockerfile', () => fill(`RUN ${fill('a ', 30_000)}<<E\n\nE\n`, 500_000)],
  [
    'variables that multiply each other',
    'Dockerfile',
    () => `ARG A0=x\n${count(30, (i) => `ARG A${i + 1}=${`$A${i}`.repeat(1000)}\n`)}FROM $A30\n`,
  ],
  ['a chain of variables', 'Dockerfile', () => `ARG A0=x\n${count(4000, (i) => `ARG A${i + 1}=$A${i}y\n`)}FROM $A4000\n`],
  ['braces in braces', 'Dockerfile', () => `FROM ${`$\{A:-`.repeat(12_000)}\n`],
  ['patterns', 'Dockerfile', () => `ARG V=${'a'.repeat(128)}\nARG W=${`$\{V//a*b/x}`.repeat(5000)}\nFROM $W\n`],
  ['mounts', 'Dockerfile', () => `FROM a:1\nRUN --mount=${fill('from=a:1,', 60_000)}\n`],
  ['more images than allowed', 'Dockerfile', () => `FROM a:1\n${fill(`RUN --mount=${fill('from=a:1,', 60_000)}\n`, 500_000)}`],
  ['many pods', 'a.yaml', () => pod.repeat(3300)],
  ['keys', 'a.yaml', () => `apiVersion: v1\nkind: A\n${count(24_000, (index) => `k${index}: v\n`)}`],
  ['aliases', 'a.yaml', () => `apiVersion: v1\nkind: A\nx: &a [1]\n${count(24_000, (index) => `k${index}: *a\n`)}`],
  ['lists in lists', 'a.yaml', () => fill('[', 1_000_000)],
  ['maps in maps', 'a.yaml', () => fill('{a: ', 1_000_000)],
  ['items in items', 'a.yaml', () => fill('- ', 1_000_000)],
  ['keys in keys', 'a.yaml', () => fill('? ', 1_000_000)],
  ['levels by indentation', 'a.yaml', () => count(1900, (index) => `${' '.repeat(index)}a:\n`)],
  ['values without separators', 'a.yaml', () => `a: ${fill('"', 150_000)}`],
  ['closing brackets', 'a.yaml', () => fill('}', 1_000_000)],
  ['anchors', 'a.yaml', () => fill('&a ', 1_000_000)],
  ['documents', 'a.yaml', () => fill('---\n', 1_000_000)],
  ['comments', 'a.yaml', () => fill('#\n', 290_000)],
  ['a quote without end', 'a.yaml', () => `a: "${fill('x\n', 1_000_000)}`],
  [
    'an alias bomb',
    'a.yaml',
    () => `${pod.slice(0, -4)}a0: &a0 [x]\n${count(60, (i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(50)}]\n`)}`,
  ],
  [
    'merges',
    'compose.yaml',
    () => `x: &a\n${count(300, (i) => `  k${i}: v\n`)}services:\n${count(3000, (i) => `  s${i}: {<<: [*a,*a]}\n`)}`,
  ],
  [
    'services that extend each other',
    'compose.yaml',
    () => `services:\n${count(8000, (i) => `  s${i}: {extends: s${i + 1}}\n`)}`,
  ],
  [
    'arguments of many services',
    'compose.yaml',
    () => `x: &a\n${count(10_000, (i) => `  k${i}: v\n`)}services:\n${count(3000, (i) => `  s${i}: {build: {args: *a}}\n`)}`,
  ],
  [
    'volumes of many services',
    'compose.yaml',
    () => `x: &a [${fill('{type: image, source: a},', 100_000)}]\nservices:\n${count(3000, (i) => `  s${i}: {volumes: *a}\n`)}`,
  ],
  [
    'one patch, many times',
    'kustomization.yaml',
    () => `x: &a |\n${fill('  a: [1, 2, 3]\n', 200_000)}patches:\n${fill('- {patch: *a}\n', 100_000)}`,
  ],
  ['many patches', 'kustomization.yaml', () => `patches:\n${fill('- patch: "a: 1"\n', 300_000)}`],
  [
    'resources of many groups with one alias',
    'a.yaml',
    () =>
      `apiVersion: v1\nkind: A\nx: &a\n${count(8000, (i) => `  k${i}: {a: {}}\n`)}` +
      count(4000, (i) => `y${i}: {apiVersion: ${['argoproj.io', 'tekton.dev', `g${i}`][i % 3]}/v1, a: *a}\n`),
  ],
  [
    'one image of a kustomization, many times',
    'kustomization.yaml',
    () => `images:\n- &a\n  name: x\n  newTag: "1"\n${count(6000, (i) => `  k${i}:\n`)}${count(6000, () => '- *a\n')}`,
  ],
  [
    'the same steps in many jobs',
    '.github/workflows/a.yml',
    () => `on: push\nx: &a\n${count(4000, () => '- uses: docker://a:1\n')}jobs:\n${count(4000, (i) => `  j${i}: {steps: *a}\n`)}`,
  ],
  [
    'the same services in many jobs',
    '.gitlab-ci.yml',
    () => `x: &a\n${count(4000, () => '- a:1\n')}${count(4000, (i) => `j${i}: {services: *a}\n`)}`,
  ],
  [
    'the same containers in many pods',
    'a.yaml',
    () =>
      `apiVersion: v1\nkind: List\nx: &a\n${count(4000, () => '- image: a:1\n')}items:\n${count(4000, () => '- {spec: {containers: *a}}\n')}`,
  ],
  [
    'the same caches of many services',
    'compose.yaml',
    () => `x: &a\n${count(4000, () => '- a:1\n')}services:\n${count(4000, (i) => `  s${i}: {build: {cache_from: *a}}\n`)}`,
  ],
  [
    'one Dockerfile for many services',
    'compose.yaml',
    () =>
      `x: &a\n  dockerfile_inline: |\n${fill('    RUN a\n', 100_000)}services:\n${count(3000, (i) => `  s${i}: {build: *a}\n`)}`,
  ],
]

test.each(HOSTILE)('%s', { retry: 2 }, (_, path, text) => {
  const file = text()
  const before = process.cpuUsage()
  try {
    const { uses } = findImageUses(path, file, { paths: ['$.a60[*][*][*][*][*][*][*][*]'] })
    pinText(file, uses, lookup, { partial: true })
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    expect(error.code).toBe('ERR_SETTINGS_INVALID')
    expect(error.message.length).toBeLessThan(3000)
  }
  const { user, system } = process.cpuUsage(before)
  expect((user + system) / 1e6).toBeLessThan(MAX_SECONDS)
})
