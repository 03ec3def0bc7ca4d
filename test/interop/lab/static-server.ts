/** nginx that serves a folder over TLS on a loopback port, with the certificates of a laboratory. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ServerCertificates } from './certificates.js'
import { type LabChild, startChild } from './child.js'
import { get } from './http.js'
import { freePort, type NotaryServer } from './notary-server.js'
import { requirePrograms } from './requirements.js'

const START_MILLISECONDS = 15_000

type StaticServer = Pick<NotaryServer, 'url' | 'ca' | 'caPem'> & AsyncDisposable

/** Resolves once nginx answers. The tree must have `/v2/`. */
export async function startStaticServer(root: string, certificates: ServerCertificates): Promise<StaticServer> {
  requirePrograms('nginx')
  const folder = await mkdtemp(join(tmpdir(), 'notary-lab-nginx-'))
  const port = await freePort()
  const file = join(folder, 'nginx.conf')
  await writeFile(file, configOf(folder, root, port, certificates))
  const args = ['-p', folder, '-c', file, '-g', 'daemon off;']
  const child = await startChild('nginx', args, join(folder, 'log'), { PATH: process.env['PATH'] })
  const stop = async (): Promise<void> => {
    await child.stop()
    await rm(folder, { recursive: true, force: true })
  }
  const url = `https://localhost:${port}`
  try {
    await answers(child, `${url}/v2/`, certificates.caPem)
  } catch (cause) {
    await stop()
    throw cause
  }
  return { url, ca: certificates.ca, caPem: certificates.caPem, [Symbol.asyncDispose]: stop }
}

/** What the guide says, in a folder of its own. */
function configOf(folder: string, root: string, port: number, { cert, key }: ServerCertificates): string {
  const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  const temporary = kinds.map((kind) => `  ${kind}_temp_path ${join(folder, kind)};`)
  return `user ${userInfo().username};
worker_processes 1;
pid ${join(folder, 'pid')};
error_log stderr;
events {}
http {
${temporary.join('\n')}
  access_log off;
  server {
    listen 127.0.0.1:${port} ssl;
    ssl_certificate ${cert};
    ssl_certificate_key ${key};
    root ${root};
  }
}
`
}

async function answers(child: LabChild, url: string, ca: string): Promise<void> {
  const deadline = Date.now() + START_MILLISECONDS
  for (;;) {
    const status = await get(url, { ca, timeoutMilliseconds: 2_000 }).then(
      (answer) => answer.status,
      () => undefined,
    )
    if (status === 200) return
    if (child.ended || Date.now() > deadline) throw new Error(`nginx does not answer (${status}):\n${child.logTail()}`)
    await sleep(10)
  }
}
