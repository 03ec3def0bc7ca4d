/**
 * RFC 3339 dates as Go's time.Time reads them from JSON: upper-case T and Z, four-digit year, seconds below 60,
 * 1 to 9 digits of fraction, offsets up to 23:59.
 *
 * `Date.parse` gets only texts of that form, and its result is checked: it turns 30 February and 24:00 into other dates, and an
 * invalid date would compare as not expired.
 */
const RFC3339 = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(?:Z|([+-])([01]\d|2[0-3]):([0-5]\d))$/

/** Milliseconds since 1970, rounded down; undefined when the text is not such a date. */
export function parseDate(text: string): number | undefined {
  const match = RFC3339.exec(text)
  if (match === null) return undefined
  const [, local = '', fraction = '', sign, hours = 0, minutes = 0] = match
  const seconds = Date.parse(`${local}Z`)
  // A date that Date.parse changed differs when it is formatted again; an invalid date is formatted as null.
  if (!new Date(seconds).toJSON()?.startsWith(local)) return undefined
  const milliseconds = Number(fraction.padEnd(3, '0').slice(0, 3))
  const offset = (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes))
  return seconds + milliseconds - offset * 60_000
}
