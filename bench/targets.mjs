/**
 * The project's targets: `most` is the largest ratio to the case's base, with `difference` the largest difference in milliseconds, with
 * `unit` the largest value itself.
 */

export const TARGETS = [
  { case: 'delegations/cold/50', subject: 'command', field: 'wall', most: 0.33 },
  { case: 'delegations/warm/50', subject: 'command', field: 'wall', most: 1, stretch: 0.9 },
  { case: 'delegations/cold/50', subject: 'library', field: 'wall', most: 0.16 },
  { case: 'delegations/warm/50', subject: 'library', field: 'wall', most: 0.18 },
  { case: 'large/cold/0', subject: 'library', field: 'cpu', most: 0.35 },
  { case: 'large/warm/0', subject: 'library', field: 'cpu', most: 0.05 },
  { case: 'many/cold/50', subject: 'command', field: 'wall', most: 0.05 },
  { case: 'many/cold/50', subject: 'library', field: 'wall', most: 0.05 },
  { case: 'policy/1', subject: 'plain', field: 'cpu', most: 1.05 },
  { case: 'policy/1', subject: 'adverse', field: 'cpu', most: 1.05 },
  { case: 'policy/100', subject: 'plain', field: 'cpu', most: 1.05 },
  { case: 'policy/100', subject: 'adverse', field: 'cpu', most: 1.05 },
  { case: 'policy/command/1', subject: 'JSON', field: 'wall', most: 1.05 },
  { case: 'policy/command/100', subject: 'JSON', field: 'wall', most: 1.05 },
  { case: 'policy/command/100', subject: 'YAML', field: 'wall', most: 1.05 },
  { case: 'service/warm/0', subject: 'HEAD, p99', field: 'wall', most: 5, unit: 'ms' },
  { case: 'service/cold/50', subject: 'service', field: 'wall', most: 50, difference: true },
  { case: 'service/memory', subject: 'service', field: 'memory', most: 300e6, unit: 'MB' },
  { case: 'startup/version', subject: 'command', field: 'wall', most: 1.4 },
  { case: 'startup/import', subject: 'library', field: 'wall', most: 40, difference: true },
]

/** The targets of the measured cases, each with its `value` and whether it was `met`. */
export function judge(results) {
  return TARGETS.flatMap((target) => {
    const result = results.find(({ name }) => name === target.case)
    const row = result?.rows.find(({ name }) => name === target.subject)
    const base = result?.rows.find(({ name }) => name === result.base)
    if (row === undefined || base === undefined) return []
    const [own, other] = [row[target.field], base[target.field]]
    const value = target.unit !== undefined ? own : target.difference ? own - other : own / other
    return [{ ...target, base: result.base, value, met: value <= target.most }]
  })
}
