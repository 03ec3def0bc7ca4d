/** TOML, for configuration files of container engines. The library is loaded with the first call. */

/** The tables and values of a file, by name. */
export type Table = ReadonlyMap<string, unknown>

/** Parses a file; the reason, in words, when it is not TOML. */
export async function readToml(text: string): Promise<Table | string> {
  const { parse, TomlError } = await import('smol-toml')
  try {
    return new Map<string, unknown>(Object.entries(parse(text)))
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause
    const [reason = 'it is not TOML'] = cause.message.split('\n')
    return `${reason}, line ${cause.line}`
  }
}

/** Writes a file. What it says was parsed again: most engines go on without a file that they cannot read. */
export async function writeToml(content: Readonly<Record<string, unknown>>): Promise<string> {
  const { parse, stringify } = await import('smol-toml')
  const text = stringify(content)
  if (JSON.stringify(parse(text)) === JSON.stringify(content)) return text
  throw new Error(`the TOML does not say what it should: ${text}`)
}

/** A value as a table; undefined when it is none. */
export function tableOf(value: unknown): Table | undefined {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
    ? new Map<string, unknown>(Object.entries(value))
    : undefined
}
