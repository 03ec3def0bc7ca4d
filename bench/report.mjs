/** Results as Markdown, for the file and the terminal. */
import { cpus } from 'node:os'
import { judge } from './targets.mjs'

/** One case: a table of its rows. */
export function caseTable({ name, title, base, rows }) {
  const of = rows.find((row) => row.name === base)
  const ratio = (row, field) => (row === of ? '1' : row[field] === undefined ? '' : (row[field] / of[field]).toFixed(2))
  return [
    `### ${name}: ${title}`,
    '',
    ...table(
      ['', 'wall', `ratio to ${base}`, 'CPU', 'ratio', 'peak memory', 'requests', 'connections', 'kB'],
      rows.map((row) => [
        row.name,
        milliseconds(row.wall),
        ratio(row, 'wall'),
        row.cpu === undefined ? '' : milliseconds(row.cpu),
        ratio(row, 'cpu'),
        row.memory === undefined ? '' : `${Math.round(row.memory / 1e6)} MB`,
        number(row.requests),
        number(row.connections),
        row.bytes === undefined ? '' : (row.bytes / 1000).toFixed(1),
      ]),
    ),
    '',
  ].join('\n')
}

/** A table of the targets of these cases with the measured values. */
export function targetTable(results) {
  const judged = judge(results)
  if (judged.length === 0) return 'None of these cases has a target.'
  return table(
    ['target', 'of', 'wanted', 'measured', ''],
    judged.map(({ case: name, subject, field, base, most, stretch, difference, unit, value, met }) => [
      name,
      `${subject}, ${field}${unit !== undefined ? '' : difference ? ` over ${base}` : ` / ${base}`}`,
      `<= ${valueText(most, { difference, unit })}${stretch === undefined ? '' : ` (better ${stretch})`}`,
      valueText(value, { difference, unit, digits: 3 }),
      met ? 'met' : 'MISSED',
    ]),
  ).join('\n')
}

/** `0.33`, `40 ms`, `300 MB`. */
function valueText(value, { difference, unit, digits }) {
  if (unit === 'MB') return `${Math.round(value / 1e6)} MB`
  if (unit === 'ms') return `${Number(value.toFixed(1))} ms`
  if (difference) return `${value.toFixed(0)} ms`
  return digits === undefined ? String(value) : value.toFixed(digits)
}

/** The kind of machine, without its name. */
export function machine() {
  const [first] = cpus()
  return `Node.js ${process.versions.node} on ${process.platform} ${process.arch}, ${cpus().length} processors (${first?.model.trim()})`
}

function table(head, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`
  const widths = head.map((cell, column) => Math.max(cell.length, ...rows.map((row) => row[column].length)))
  const padded = (cells) =>
    cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column])))
  const rule = widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`))
  return [line(padded(head)), line(rule), ...rows.map((row) => line(padded(row)))]
}

function milliseconds(value) {
  return `${value.toFixed(value < 100 ? 1 : 0)} ms`
}

function number(value) {
  return value === undefined ? '' : String(Math.round(value))
}
