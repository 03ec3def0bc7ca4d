/** Environment variables, and Go's booleans in them. Source: Go strconv.ParseBool. */

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>

const TRUE: readonly string[] = ['1', 't', 'T', 'true', 'True', 'TRUE']
const FALSE: readonly string[] = ['0', 'f', 'F', 'false', 'False', 'FALSE']

/** A boolean as Go reads it, or undefined. */
export function parseGoBoolean(text: string): boolean | undefined {
  if (TRUE.includes(text)) return true
  return FALSE.includes(text) ? false : undefined
}

/** A copy of the variables without a prototype, so that inherited members do not count as variables. */
export function ownEnvironment(env: Environment = process.env, platform: NodeJS.Platform = process.platform): Environment {
  const own: Record<string, string | undefined> = Object.assign(Object.create(null), env)
  if (platform !== 'win32') return own
  // Names of variables are case-insensitive on Windows, and the copy is not: add each name in upper case.
  for (const [name, value] of Object.entries(env)) own[name.toUpperCase()] ??= value
  return own
}
