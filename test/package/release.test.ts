/** The checks before a release, and the list of bundled packages. */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { canProveProvenance, releaseProblems } from '../../scripts/release-problems.mjs'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

test('npm run sbom lists every package that is installed with this one, and no other', { timeout: 60_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dct-sbom-'))
  try {
    const file = join(folder, 'bom.json')
    await promisify(execFile)(process.execPath, ['scripts/sbom.mjs', file], { cwd: ROOT })
    const bom = JSON.parse(await readFile(file, 'utf8'))
    const { packages } = JSON.parse(await readFile(join(ROOT, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { version: string; dev?: boolean; devOptional?: boolean; optional?: boolean }>
    }
    const installed = Object.entries(packages).filter(([path, { dev, devOptional }]) => path !== '' && !dev && !devOptional)
    expect(bom.components.map(({ purl }: { purl: string }) => decodeURIComponent(purl)).sort()).toEqual(
      installed.map(([path, { version }]) => `pkg:npm/${path.slice(path.lastIndexOf('node_modules/') + 13)}@${version}`).sort(),
    )
    expect(bom).toMatchObject({
      bomFormat: 'CycloneDX',
      metadata: { component: { name: 'docker-content-trust', type: 'library' } },
    })
    for (const { hashes, licenses } of bom.components) expect([hashes.length, licenses.length]).toEqual([1, 1])
  } finally {
    await rm(folder, { recursive: true })
  }
})

const good = {
  manifest: { version: '1.2.3', repository: { url: 'git+https://git.example/dct.git' } },
  changelog: '# Changelog\n\n## [Unreleased]\n\n## [1.2.3] - 2026-12-01\n\n### Added\n\n- x\n',
  changes: '',
  tags: ['v1.2.3', ''],
}

test('a version may go out when nothing speaks against it', () => {
  expect(releaseProblems(good)).toEqual([])
})

test.each<[string, Partial<typeof good>]>([
  ['not committed', { changes: ' M README.md\n' }],
  ['no "## [1.2.3] - DATE"', { changelog: good.changelog.replace('1.2.3', '1x2.3') }],
  ['Unreleased', { changelog: good.changelog.replace('[Unreleased]\n', '[Unreleased]\n\n- y\n') }],
  ['not tagged v1.2.3', { tags: ['v1.2.2'] }],
  ['no "repository"', { manifest: { version: '1.2.3' } as typeof good.manifest }],
])('not when: %s', (words, changes) => {
  const problems = releaseProblems({ ...good, ...changes })
  expect(problems).toHaveLength(1)
  expect(problems[0]).toContain(words)
})

test('provenance needs a CI with an ID token', () => {
  expect(canProveProvenance({})).toBe(false)
  expect(canProveProvenance({ GITHUB_ACTIONS: 'true' })).toBe(false)
  expect(canProveProvenance({ ACTIONS_ID_TOKEN_REQUEST_URL: 'https://x' })).toBe(true)
  expect(canProveProvenance({ GITLAB_CI: 'true', SIGSTORE_ID_TOKEN: 'x' })).toBe(true)
})
