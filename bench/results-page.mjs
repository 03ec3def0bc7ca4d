/** RESULTS.md: the results of a whole run. */
import { dockerIsThere } from './cases.mjs'
import { caseTable, machine, targetTable } from './report.mjs'

/** The page as Markdown. */
export function resultsPage(results, { rounds, load }) {
  return `# Results of \`npm run bench\`

The benchmark wrote this page; [README.md](README.md) says how to read it. Compare the ratios: all programs were measured in the same run, in
turns, against the same server.

- ${machine()}; load ${load.toFixed(1)}. An idle machine has a load of about 1, from the benchmark itself. With a higher load, programs that need more processor time wait longer, and wall times mean little.
- Medians of ${rounds} rounds (growth and many: at most 3).
- "50 ms" is a forwarder that delays every chunk by 25 ms in each direction, and the first bytes of a connection by the 50 ms that
  connecting would take, since it takes no time on loopback. A new connection costs three round trips until its first answer, as on a
  real link (connect, TLS 1.3, request).
- ${dockerIsThere ? '`docker` is `docker pull` without a daemon: it ends when trust is established.' : 'No docker up to version 28 was found: `docker pull` is left out.'}

## Targets

${targetTable(results)}

## Cases

${results.map(caseTable).join('\n')}`
}
