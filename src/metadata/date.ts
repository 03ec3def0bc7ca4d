/**
 * RFC 3339 dates as Go's time.Time reads them from JSON: upper-case T and Z, four-digit year, seconds below 60,
 * 1 to 9 digits of fraction, offsets up to 23:59.
 *
 * `new Date(text)` is never asked: it rolls 30 February over, takes a dozen other forms, and an invalid date compares
 * as not expired.
 */
const RFC3339 = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(?:Z|([+-])(\d{2}):(\d{2}))$/

/** Milliseconds since 1970, cut (never rounded up), or undefined when the text is no such date. */
export function parseDate(text: string): number | undefined {
  const match = RFC3339.exec(text)
  if (match === null) return undefined
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number)
  if (year === undefined || month === undefined || day === undefined) return undefined
  if (hour === undefined || minute === undefined || second === undefined) return undefined
  const offsetHours = Number(match[9] ?? 0)
  const offsetMinutes = Number(match[10] ?? 0)
  if (hour > 23 || minute > 59 || second > 59 || offsetHours > 23 || offsetMinutes > 59) return undefined
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day) // Date.UTC would take year 99 for 1999
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined
  const millisecond = Number((match[7] ?? '0').padEnd(3, '0').slice(0, 3))
  const offset = (match[8] === '-' ? -1 : 1) * (offsetHours * 60 + offsetMinutes)
  return date.setUTCHours(hour, minute, second, millisecond) - offset * 60_000
}
