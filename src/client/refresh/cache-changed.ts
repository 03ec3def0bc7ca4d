/** Another call changed the cache while this refresh ran, so that the verified files may be outdated: ask the server again. */
export class CacheChanged extends Error {
  override readonly name = 'CacheChanged'
  constructor() {
    super('the cache changed during this refresh; run it again')
  }
}
