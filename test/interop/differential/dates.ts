/**
 * The dates in the cases. Notary asks the real clock, and a seed has to make the same cases with the same verdicts on every day: so
 * what is good is good for decades, and what is out of date has been so for years.
 */

/** When every certificate begins, and what long ago was. */
export const BEGUN = new Date('2020-01-01T00:00:00Z')
/** When that is over which is to be over. */
export const ENDED = new Date('2024-01-01T00:00:00Z')
/** When certificates end that are good; X.509 writes years from 2050 on in another form. */
export const LASTING = new Date('2048-01-01T00:00:00Z')
/** What the publisher takes for today: his timestamps are good for two weeks. */
export const PUBLISHED = new Date('2050-01-01T00:00:00Z')
