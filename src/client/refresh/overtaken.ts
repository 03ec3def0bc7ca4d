/** Another call accepted something else while this one verified: what was verified has to be asked for again. */
export class Overtaken extends Error {
  override readonly name = 'Overtaken'
  constructor() {
    super('the cache changed during this refresh; run it again')
  }
}
