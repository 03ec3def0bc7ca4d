// npm run release [-- --publish]: checks everything before a release, then runs npm publish. Without --publish it is a dry run.
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { canProveProvenance, releaseProblems } from './release-problems.mjs'

const isReal = process.argv.includes('--publish')
const git = (...argv) => execFileSync('git', argv, { encoding: 'utf8' })
const npm = (...argv) => {
  console.log(`\n== npm ${argv.join(' ')}`)
  const { status } = spawnSync('npm', argv, { stdio: 'inherit', shell: process.platform === 'win32' })
  if (status !== 0) process.exit(status ?? 1)
}

const problems = releaseProblems({
  manifest: JSON.parse(readFileSync('package.json', 'utf8')),
  changelog: readFileSync('CHANGELOG.md', 'utf8'),
  changes: git('status', '--porcelain'),
  tags: git('tag', '--points-at', 'HEAD').split('\n'),
})
const proves = canProveProvenance(process.env)
if (!proves) problems.push('provenance is not possible here: publish from CI with an ID token')
for (const problem of problems) console.error(`release: ${problem}`)
if (isReal && problems.length > 0) process.exit(1)

npm('run', '--silent', 'check')
npm('run', '--silent', 'packaging')
npm('run', '--silent', 'sbom')
npm('publish', '--access', 'public', ...(proves ? ['--provenance'] : []), ...(isReal ? [] : ['--dry-run']))
if (!isReal) console.log(`\nrelease: this was a dry run; ${problems.length} problems prevent a release`)
