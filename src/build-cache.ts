/** The value of `--cache-from`, and of `cache_from` in a Compose file: docker/buildx util/buildflags/cache.go. */

/**
 * The type of a cache: `local` is a folder of this machine, all others are remote. Undefined when it is not plainly written: buildx takes
 * the last of several types, keys in any case, and quotes.
 */
export function buildCacheType(typed: string): string | undefined {
  if (/["\r\n]/.test(typed)) return undefined
  const [type = 'type=registry', another] = typed.split(',').filter((field) => /^\s*type\s*(?:=|$)/i.test(field))
  const isPlain = another === undefined && type.startsWith('type=') && type !== 'type='
  return isPlain ? type.slice('type='.length) : undefined
}
