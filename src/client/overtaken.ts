/** What was verified was measured against a cache that is not there any more: to be verified once more against the one that is. */
export class Overtaken extends Error {
  override readonly name = 'Overtaken'
  constructor() {
    super('other processes go on changing the cache')
  }
}
