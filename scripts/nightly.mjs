// npm run nightly: the tests with large counts. Every step runs, even if an earlier one failed. The last lines of each step,
// which have its figures, are shown again at the end.
import { spawn } from 'node:child_process'
import { once } from 'node:events'

const STEPS = [
  ['kills', ['run', '--silent', 'test:crash', '--', '--kills', '500'], {}],
  ['crowd', ['run', '--silent', 'test:crowd', '--', '--verifications', '100', '--seconds', '900'], {}],
  ['soak', ['run', '--silent', 'test:soak', '--', '--verifications', '20000', '--collections', '200'], {}],
  ['disk faults', ['exec', '--', 'vitest', 'run', 'test/cache/disk-faults.test.ts'], { NIGHTLY: '1' }],
  ['lines of docker', ['run', '--silent', 'test:engines', '--', 'test/engines/docker-words.test.ts'], { DOCKER_LINES: '3000' }],
  ['fuzzing', ['exec', '--', 'vitest', 'run', 'test/fuzz'], { FUZZ_RUNS: '50' }],
  [
    'differential',
    ['run', '--silent', 'fuzz:differential', '--', '--count', '20000', '--seed', String(Date.now() % 1_000_000)],
    {},
  ],
  ['versions of Node', ['run', '--silent', 'test:nodes'], {}],
  ['mutation', ['run', '--silent', 'mutate'], {}],
]
const KEPT_LINES = 6

/** Runs npm, shows its output, and keeps the last lines. */
async function run(name, argv, env) {
  console.log(`\n== ${name}`)
  const child = spawn('npm', argv, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
    shell: process.platform === 'win32',
  })
  let text = ''
  child.stdout.on('data', (chunk) => {
    process.stdout.write(chunk)
    text = `${text}${chunk}`.slice(-10_000)
  })
  const [status] = await once(child, 'close')
  return { name, status: status ?? 1, lines: text.trimEnd().split('\n').slice(-KEPT_LINES) }
}

const wanted = process.argv.slice(2)
const results = []
for (const [name, argv, env] of STEPS) {
  if (wanted.length === 0 || wanted.includes(name)) results.push(await run(name, argv, env))
}
console.log('\n== figures')
for (const { name, status, lines } of results) {
  console.log(`${name}: ${status === 0 ? 'passed' : `FAILED with ${status}`}`)
  for (const line of lines) console.log(`  ${line}`)
}
process.exitCode = results.length > 0 && results.every(({ status }) => status === 0) ? 0 : 1
