/** `npm run bench`: measures this project and the real `notary` against the real server. See README.md. */
import { writeFile } from 'node:fs/promises'
import { loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { dockerIsThere, listCases } from './cases.mjs'
import { openLaboratory } from './laboratory.mjs'
import { caseTable, machine, targetTable } from './report.mjs'
import { resultsPage } from './results-page.mjs'
import { median } from './rounds.mjs'
import { judge } from './targets.mjs'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string' },
    quick: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: [] },
    list: { type: 'boolean', default: false },
    profile: { type: 'string' },
    strict: { type: 'boolean', default: false },
  },
})
const rounds = Number(values.rounds ?? (values.quick ? 1 : 7))
if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds wants a number from 1 on')
const cases = listCases(values).filter(({ name }) => values.only.length === 0 || values.only.some((part) => name.includes(part)))
if (cases.length === 0) throw new Error(`no case has ${values.only.join(' or ')} in its name: see --list`)

if (values.list) console.log(cases.map(({ name, title }) => `${name}  ${title}`).join('\n'))
else await main()

async function main() {
  console.log(`${machine()}; ${rounds} rounds`)
  if (!dockerIsThere) console.log('No docker up to version 28 on the PATH: docker pull is left out.')
  if (values.quick)
    console.log('Quick: smaller collections, only to see that everything works. The targets are for the whole run.')
  const profile = values.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${values.profile}`]
  const lab = await openLaboratory(profile)
  const results = []
  const loads = []
  try {
    const published = new Set()
    for (const { name, title, base, collections = [], run } of cases) {
      for (const collection of collections) {
        if (!published.has(collection.gun)) await lab.publish(collection)
        published.add(collection.gun)
      }
      const result = { name, title, base, rows: await run(lab, { rounds }) }
      results.push(result)
      loads.push(loadavg()[0])
      console.log(`\n${caseTable(result)}`)
    }
  } finally {
    await lab.stop()
  }
  console.log(`\n${targetTable(results)}`)
  const whole = values.only.length === 0 && !values.quick && values.profile === undefined
  if (whole) await writeFile(new URL('RESULTS.md', import.meta.url), resultsPage(results, { rounds, load: median(loads) }))
  if (values.strict && judge(results).some(({ met }) => !met)) process.exitCode = 1
}
