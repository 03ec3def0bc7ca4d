/** The cost of starting: the program compared with Node itself, importing the library compared with importing nothing. */
import { fileURLToPath } from 'node:url'
import { timeProgram } from './measure-program.mjs'
import { median } from './rounds.mjs'

const here = (path) => fileURLToPath(new URL(path, import.meta.url))
const env = { PATH: process.env.PATH }

/** Rows of `node -e 0` and `dct --version`. */
export function measureVersion(lab, { rounds }) {
  return inTurns(rounds, [
    ['node -e 0', () => timeProgram(['node', '-e', '0'], env)],
    ['command', () => timeProgram(['node', ...lab.nodeOptions, here('../dist/cli/bin.cjs'), '--version'], env)],
  ])
}

/** Rows of importing an empty module and the library, each in a new process and measured inside it. */
export function measureImport(lab, { rounds }) {
  const importing = (file) => async () => {
    const run = await timeProgram(['node', ...lab.nodeOptions, here('import-time.mjs'), here(file)], env)
    const { wall, cpu } = JSON.parse(run.stdout)
    return { status: run.status, wall, cpu }
  }
  return inTurns(rounds, [
    ['empty module', importing('empty-module.mjs')],
    ['library', importing('../dist/index.js')],
  ])
}

async function inTurns(rounds, subjects) {
  const samples = subjects.map(() => [])
  for (let round = 0; round <= rounds; round += 1) {
    for (const [index, [name, run]] of subjects.entries()) {
      const sample = await run()
      if (sample.status !== 0) throw new Error(`${name} ended with ${sample.status}`)
      // The first round fills the file cache and does not count.
      if (round > 0) samples[index].push(sample)
    }
  }
  return subjects.map(([name], index) => ({
    name,
    wall: median(samples[index].map(({ wall }) => wall)),
    cpu: median(samples[index].map(({ cpu }) => cpu)),
  }))
}
