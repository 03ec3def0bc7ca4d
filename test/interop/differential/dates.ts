/**
 * The dates in the cases. Notary uses the real clock, but a seed must give the same cases with the same verdicts on every day. So
 * valid files are valid for decades, and expired files expired years ago.
 */

/** The start of every certificate, and a date long ago. */
export const BEGUN = new Date('2020-01-01T00:00:00Z')
/** The end of everything that has expired. */
export const ENDED = new Date('2024-01-01T00:00:00Z')
/** The end of valid certificates; X.509 writes years from 2050 on in another form. */
export const LASTING = new Date('2048-01-01T00:00:00Z')
/** The publisher's current date; his timestamps are valid for two weeks from it. */
export const PUBLISHED = new Date('2050-01-01T00:00:00Z')
