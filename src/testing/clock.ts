/** A clock that moves only when a test moves it. */

/** Parts of a stretch of time; they add up, and may be negative. */
export interface Stretch {
  readonly days?: number
  readonly hours?: number
  readonly minutes?: number
  readonly seconds?: number
}

/** See `createClock`. */
export interface Clock {
  /** The time of the clock. Can be passed as the option `now`. */
  readonly now: () => Date
  /** Moves the clock forward, by milliseconds or by a stretch. Returns the new time. */
  advance(by: number | Stretch): Date
  /** Sets the clock. Returns the new time. */
  set(time: Date | string): Date
}

/** The default start of collections and clocks: 2026-03-01 12:00 UTC. */
export const DEFAULT_START = '2026-03-01T12:00:00Z'

/** Makes a clock that begins at `start`, by default at the same time as a collection. @throws RangeError for an invalid time */
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
