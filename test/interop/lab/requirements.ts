/** The real programs that the laboratory runs. If one is missing, the interop suite fails; it never skips. */
import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'

const packageOf = {
  notary: 'notary',
  'notary-server': 'notary',
  'notary-signer': 'notary',
  openssl: 'openssl',
  docker: 'docker.io',
  nginx: 'nginx-light',
} as const

export type LabProgram = keyof typeof packageOf

/** @throws an Error that names the Debian package if a program is not on the PATH */
export function requirePrograms(...programs: LabProgram[]): void {
  const wanted = programs.length > 0 ? programs : (Object.keys(packageOf) as LabProgram[])
  const missing = wanted.filter((program) => !onPath(program))
  if (missing.length === 0) return
  const packages = [...new Set(missing.map((program) => packageOf[program]))].join(' ')
  throw new Error(
    `the interop suite runs the real programs, and ${missing.join(', ')} is not on the PATH: ` +
      `install the Debian package with "apt-get install -y ${packages}"`,
  )
}

function onPath(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => folder !== '' && isExecutable(join(folder, program)))
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}
