/**
 * RFC 3339 dates as Go's time.Time reads them from JSON: upper-case T and Z, four-digit year, seconds below 60,
 * 1 to 9 digits of fraction, offsets up to 23:59.
 *
 * `Date.parse` sees only what has that form, and is not believed: it rolls 30 February and 24 o'clock over, and an
 * invalid date compares as not expired.
 */
const RFC3339 = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(?:Z|([+-])([01]\d|2[0-3]):([0-5]\d))$/

/** Milliseconds since 1970, cut (never rounded up), or undefined when the text is no such date. */
export function parseDate(text: string): number | undefined {
  const match = RFC3339.exec(text)
  if (match === null) return undefined
  const [, local = '', fraction = '', sign, hours = 0, minutes = 0] = match
  const seconds = Date.parse(`${local}Z`)
  // What was rolled over reads otherwise when it is written again; an invalid date is written as null.
  if (!new Date(seconds).toJSON()?.startsWith(local)) return undefined
  const milliseconds = Number(fraction.padEnd(3, '0').slice(0, 3))
  const offset = (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes))
  return seconds + milliseconds - offset * 60_000
}
