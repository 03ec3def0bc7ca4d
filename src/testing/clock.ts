/** A clock that stands still until it is moved. */

/** Parts of a stretch of time; they add up, and may be negative. */
export interface Stretch {
  readonly days?: number
  readonly hours?: number
  readonly minutes?: number
  readonly seconds?: number
}

/** See `createClock`. */
export interface Clock {
  /** The time it shows: what option `now` takes, also when it is passed around by itself. */
  readonly now: () => Date
  /** Moves it on, by milliseconds or by a stretch. Returns the time it shows then. */
  advance(by: number | Stretch): Date
  /** Sets it to a time. Returns that time. */
  set(time: Date | string): Date
}

/** The time at which collections and clocks begin unless told otherwise: 2026-03-01 12:00 UTC. */
export const DEFAULT_START = '2026-03-01T12:00:00Z'

/** A clock that begins at `start`; as `createTrustCollection` does when absent. @throws RangeError for what is no time */
export function createClock(start: Date | string = DEFAULT_START): Clock {
  let time = timeOf(start)
  const show = (): Date => new Date(time)
  const set = (next: Date | string): Date => {
    time = timeOf(next)
    return show()
  }
  return { now: show, set, advance: (by) => set(new Date(time + (typeof by === 'number' ? by : milliseconds(by)))) }
}

function milliseconds({ days = 0, hours = 0, minutes = 0, seconds = 0 }: Stretch): number {
  return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000
}

function timeOf(date: Date | string): number {
  const time = new Date(date).getTime()
  if (Number.isNaN(time)) throw new RangeError(`not a time: ${String(date)}`)
  return time
}
