/** Documents that are one step away from a good one: each value left out, replaced by each other kind, or beside a new name. */
export function mutationsOf(document: unknown): unknown[] {
  const replacements = [null, true, 0, -1, 1.5, '', 'x', [], {}, 2 ** 60]
  const inside = (value: unknown): unknown[] => {
    if (Array.isArray(value))
      return [
        ...value.map((_, at) => value.toSpliced(at, 1)),
        ...value.flatMap((item, at) => inside(item).map((other) => value.with(at, other))),
        ...replacements,
      ]
    if (typeof value !== 'object' || value === null) return replacements
    const entries = Object.entries(value)
    return [
      ...entries.map((_, at) => Object.fromEntries(entries.toSpliced(at, 1))),
      ...entries.flatMap(([name, member], at) =>
        inside(member).map((other) => Object.fromEntries(entries.with(at, [name, other]))),
      ),
      Object.fromEntries([...entries, ['unknown', 1]]),
      ...replacements,
    ]
  }
  return inside(document)
}
