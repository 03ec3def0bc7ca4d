/** RESULTS.md: what a whole run measured. */
import { dockerIsThere } from './cases.mjs'
import { caseTable, machine, targetTable } from './report.mjs'

/** The page as Markdown. */
export function resultsPage(results, { rounds, load }) {
  return `# Results of \`npm run bench\`

Written by the run itself; how to read it is said in [README.md](README.md). What counts are the ratios: both sides were measured in the
same run, in turns, against the same server.

- ${machine()}; load ${load.toFixed(1)}: an idle machine has about 1, by the benchmark itself. With more, who needs more processor time waits longer, and wall times tell little.
- Medians of ${rounds} rounds (growth and many: of 3 at most).
- "50 ms" is a forwarder that holds every chunk back for 25 ms in each direction, in order, and the first bytes of a connection for
  the 50 ms that connecting takes elsewhere: on loopback it takes nothing. A new connection costs three round trips until its first
  answer, as far away (connect, TLS 1.3, request).
- ${dockerIsThere ? '`docker` is `docker pull` without a daemon: it ends when trust is established.' : 'No docker up to version 28 was there: `docker pull` is left out.'}

## Targets

${targetTable(results)}

## Cases

${results.map(caseTable).join('\n')}`
}
