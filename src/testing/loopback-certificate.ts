/** The certificate of a server on loopback: a valid one, or one that a client must not accept. */
import { randomUUID } from 'node:crypto'
import { createCertificate, type MadeCertificate } from './certificate-maker.js'

/** The certificate of the server. Every one but `good` is refused with ERR_TLS. */
export type ServerCertificate = 'good' | 'expired' | 'another-name' | 'another-ca'

/** The certificate and key of a server, and its CA; all PEM. */
export interface LoopbackCertificate {
  /** The CA that clients trust. */
  readonly ca: string
  readonly key: string | Buffer
  readonly cert: string
}

const DAY = 86_400_000

/** Makes a certificate. Its dates follow the system's clock, which TLS uses. */
export function loopbackCertificate(kind: ServerCertificate = 'good'): LoopbackCertificate {
  const authority = makeAuthority()
  const server = createCertificate({
    subject: { cn: 'localhost' },
    issuer: kind === 'another-ca' ? makeAuthority() : authority,
    san: kind === 'another-name' ? ['trust.example'] : ['localhost', '127.0.0.1', '::1'],
    extendedKeyUsage: ['serverAuth'],
    notBefore: daysFromNow(kind === 'expired' ? -2 : -1),
    notAfter: daysFromNow(kind === 'expired' ? -1 : 1),
  })
  return { ca: authority.pem, key: server.privateKey.export({ type: 'pkcs8', format: 'pem' }), cert: server.pem }
}

function makeAuthority(): MadeCertificate {
  return createCertificate({
    // Several CAs of one name in one file: a client would look for the issuer by its name, and take the wrong one.
    subject: { cn: `simulated trust server CA ${randomUUID()}` },
    ca: true,
    notBefore: daysFromNow(-3),
    notAfter: daysFromNow(3),
  })
}

function daysFromNow(days: number): Date {
  return new Date(Date.now() + days * DAY)
}
