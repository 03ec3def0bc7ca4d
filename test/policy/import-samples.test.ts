/**
 * `dct policy import` on whole files in the shapes that the other programs document, written for this test. Beside each is what
 * must come out, checked by hand; `npx vitest run test/policy/import-samples.test.ts --update` writes it anew.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { PolicyIndex } from '../../src/policy/decide.js'
import type { ImportKind } from '../../src/policy/import/import-policy.js'
import { runProgram } from '../cli/program.js'
import { jsonPolicy } from './policies.js'

const FOLDER = fileURLToPath(new URL('import-samples', import.meta.url))

/** An image, and the action that the policy must have for it. */
type Asked = Readonly<Record<string, string>>

const SAMPLES: readonly (readonly [string, ImportKind, string, number, Asked])[] = [
  [
    'connaisseur-3',
    'connaisseur',
    'values.yaml',
    0,
    {
      'docker.io/library/alpine': 'enforce',
      'docker.io/team/app': 'enforce',
      'registry.k8s.io/pause': 'skip',
      'quay.io/x': 'deny',
    },
  ],
  [
    'connaisseur-2',
    'connaisseur',
    'values.yaml',
    1,
    {
      'registry.example/team/app': 'enforce',
      'registry.example/sigstore/app': 'deny',
      'k8s.gcr.io/pause': 'skip',
      'quay.io/x': 'enforce',
    },
  ],
  [
    'portieris',
    'portieris',
    'policies.yaml',
    1,
    {
      'icr.io/app': 'skip',
      'icr.io/a/b': 'skip',
      'icr.io/team/app': 'enforce',
      'registry1.example.net/armada/x': 'skip',
      'registry.example/scanned/app': 'deny',
      'quay.io/x': 'deny',
    },
  ],
  [
    'portieris-v1beta1',
    'portieris',
    'policy.yaml',
    1,
    { 'registry.example/team/app': 'enforce', 'registry.example/scanned/app': 'deny', 'registry.example/pinned/app': 'deny' },
  ],
  [
    'opa-notary',
    'opa-notary',
    'trust.yaml',
    0,
    { 'localhost:30001/alpine': 'enforce', 'docker.io/library/x': 'enforce', 'quay.io/x': 'skip' },
  ],
  ['notary', 'notary', 'config.json', 1, { 'registry.example/team/app': 'enforce' }],
]

test.each(SAMPLES)('%s: the policy, and one warning for each meaning that changes', async (name, kind, file, status, asked) => {
  const at = (each: string) => join(FOLDER, name, each)
  const ran = await runProgram(['policy', 'import', kind, at(file)])
  expect(ran.status).toBe(status)
  await expect(ran.out).toMatchFileSnapshot(at('printed.txt'))
  await expect(ran.err.replaceAll(at(file), file)).toMatchFileSnapshot(at('warnings.txt'))
  expect(new Set(ran.err.trim().split('\n')).size, 'no warning twice').toBe(ran.err.trim().split('\n').length)
  const folder = await mkdtemp(join(tmpdir(), 'dct-import-'))
  await writeFile(join(folder, 'policy.json'), ran.out)
  expect(await runProgram(['policy', 'check', join(folder, 'policy.json')])).toMatchObject({ status: 0, out: '' })
  await rm(folder, { recursive: true })
  const index = new PolicyIndex(jsonPolicy(ran.out))
  for (const [image, action] of Object.entries(asked)) expect(index.decide({ typed: image }, '1').action, image).toBe(action)
  expect(`${ran.out}${ran.err}`).not.toContain('not-to-be-copied')
})
