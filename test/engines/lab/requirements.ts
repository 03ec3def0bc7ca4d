/** What the engine suite runs. Without it the suite fails; it never skips. */
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

const PACKAGE_OF = {
  docker: 'docker.io',
  dockerd: 'docker.io',
  buildah: 'buildah',
  'docker-registry': 'docker-registry',
  containerd: 'containerd',
  ctr: 'containerd',
  skopeo: 'skopeo',
  promtool: 'prometheus',
  'notary-server': 'notary',
  notary: 'notary',
  openssl: 'openssl',
  busybox: 'busybox-static',
  unshare: 'util-linux',
  nsenter: 'util-linux',
  ip: 'iproute2',
} as const

/** Throws an Error that names the Debian packages of what is missing. */
export function requireEngines(): void {
  const missing = Object.entries(PACKAGE_OF).filter(([program]) => !isOnPath(program))
  if (missing.length > 0) {
    const packages = [...new Set(missing.map(([, name]) => name))].join(' ')
    throw new Error(
      `the engine suite runs the real programs, and ${missing.map(([program]) => program).join(', ')} is not on the PATH: ` +
        `install them with "apt-get install -y --no-install-recommends ${packages}"`,
    )
  }
  if (process.getuid?.() !== 0)
    throw new Error('the engine suite starts a Docker Engine in namespaces of its own, which takes root: run it as root')
}

function isOnPath(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => folder !== '' && isExecutable(join(folder, program)))
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
