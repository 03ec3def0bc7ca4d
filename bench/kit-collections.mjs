/** The collections of `kit-server.mjs`. */

/** The name of a collection. */
export function gunOf(number) {
  return `registry.example/bench-${String(number).padStart(3, '0')}/app`
}
