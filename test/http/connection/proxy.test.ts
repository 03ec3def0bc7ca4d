import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { UsageError } from '../../../src/errors.js'
import { proxyFor } from '../../../src/http/connection/proxy.js'

describe('proxyFor', () => {
  test.each([
    [{}, undefined],
    [{ HTTPS_PROXY: '' }, undefined],
    [{ HTTP_PROXY: 'http://p:1' }, undefined],
    [{ HTTPS_PROXY: 'http://p:3128' }, { tls: false, hostname: 'p', port: 3128 }],
    [{ https_proxy: 'http://p:3128' }, { tls: false, hostname: 'p', port: 3128 }],
    [
      { HTTPS_PROXY: 'http://big:1', https_proxy: 'http://small:2' },
      { tls: false, hostname: 'big', port: 1 },
    ],
    [{ HTTPS_PROXY: 'p:3128' }, { tls: false, hostname: 'p', port: 3128 }],
    [{ HTTPS_PROXY: 'http://p' }, { tls: false, hostname: 'p', port: 80 }],
    [{ HTTPS_PROXY: 'https://p' }, { tls: true, hostname: 'p', port: 443 }],
    [{ HTTPS_PROXY: 'http://[::1]:8' }, { tls: false, hostname: '::1', port: 8 }],
    [
      { HTTPS_PROXY: 'http://us%40er:p%3Ass@p:8' },
      { tls: false, hostname: 'p', port: 8, authorization: `Basic ${Buffer.from('us@er:p:ss').toString('base64')}` },
    ],
  ])('%j', (env, expected) => {
    expect(proxyFor('host.example', 443, env)).toEqual(expected)
  })

  test.each(['socks5://user:pa55word@p:1', 'http://user:pa55word@p:99999', 'file:///x', 'http://'])(
    '%s is a usage error',
    (value) => {
      const ask = (): unknown => proxyFor('host.example', 443, { https_proxy: value })
      expect(ask).toThrow(UsageError)
      expect(ask).toThrow(/^https_proxy is not the address/)
      expect(ask).not.toThrow(/pa55word/)
    },
  )
})

test.each(['socks5://user:pa55word@p:1080', 'SOCKS5H://p', 'socks4://p:1', 'socks://p'])(
  '%s: the error says that SOCKS is not supported',
  (value) => {
    const ask = (): unknown => proxyFor('host.example', 443, { HTTPS_PROXY: value })
    expect(ask).toThrow(
      expect.objectContaining({
        code: 'ERR_SETTINGS_INVALID',
        message: expect.stringMatching(/^HTTPS_PROXY is not .*: SOCKS is not supported$/),
        hint: expect.stringMatching(/SOCKS .* not supported.*: export HTTPS_PROXY=http:\/\/host:port$/),
      }),
    )
    expect(ask).not.toThrow(/pa55word/)
    expect(proxyFor('host.example', 443, { HTTPS_PROXY: value, NO_PROXY: '*' })).toBeUndefined()
  },
)

describe('NO_PROXY', () => {
  test.each([
    ['*', 'host.example', 443, true],
    ['host.example', 'host.example', 443, true],
    ['HOST.example', 'host.example', 443, true],
    ['example', 'host.example', 443, true],
    ['.example', 'host.example', 443, true],
    ['*.example', 'host.example', 443, true],
    ['.host.example', 'host.example', 443, false],
    ['st.example', 'host.example', 443, false],
    ['other, host.example', 'host.example', 443, true],
    // As in Go, and unlike curl, only commas separate entries.
    ['other host.example', 'host.example', 443, false],
    [' other , host.example ', 'host.example', 443, true],
    ['host.example:443', 'host.example', 443, true],
    ['host.example:4443', 'host.example', 443, false],
    ['10.1.2.3', '10.1.2.3', 443, true],
    ['2.3', '10.1.2.3', 443, false],
    ['10.0.0.0/8', '10.1.2.3', 443, true],
    ['10.0.0.0/16', '10.1.2.3', 443, false],
    ['10.0.0.0/8', 'host.example', 443, false],
    ['10.0.0.0/99', '10.1.2.3', 443, false],
    ['fd00::/8', 'fd00::1', 443, true],
    ['fd00::1', 'fd00::1', 443, true],
    ['[fd00::1]', 'fd00::1', 443, true],
    ['[fd00::1]:443', 'fd00::1', 443, true],
    ['[fd00::1]:1', 'fd00::1', 443, false],
    ['.example:443', 'host.example', 443, true],
    ['.example:4443', 'host.example', 443, false],
    ['10.1.2.3:443', '10.1.2.3', 443, true],
    ['10.1.2.3:1', '10.1.2.3', 443, false],
    ['host.example.', 'host.example', 443, true],
    // Addresses in different spellings; each tried with docker 28.2.2.
    ['fd00:0:0:0:0:0:0:1', '[fd00::1]', 443, true],
    ['FD00::1', '[fd00::1]', 443, true],
    ['fd00::2', '[fd00::1]', 443, false],
    ['::ffff:10.1.2.3', '10.1.2.3', 443, true],
    ['10.1.2.3', '[::ffff:a01:203]', 443, true],
    ['[::ffff:10.1.2.3]:443', '10.1.2.3', 443, true],
    ['::ffff:10.0.0.0/104', '10.1.2.3', 443, true],
    ['::ffff:10.0.0.0/120', '10.1.2.3', 443, false],
    ['10.0.0.0/8', '[::ffff:10.1.2.3]', 443, true],
    ['10.1.2.3/08', '10.1.2.4', 443, true],
    ['::/0', '10.1.2.3', 443, false],
    ['::/0', 'fd00::1', 443, true],
    ['0.0.0.0/0', 'fd00::1', 443, false],
    ['0.0.0.0/0', '10.1.2.3', 443, true],
    ['::ffff:0:0/95', '10.1.2.3', 443, false],
    ['fd00::1:443', 'fd00::1', 443, false],
    ['fd00::1%eth0', 'fd00::1', 443, false],
    ['010.1.2.3', '10.1.2.3', 443, false],
    ['[10.1.2.3]:443', '10.1.2.3', 443, true],
    ['10.1.2.3:0443', '10.1.2.3', 443, false],
    ['.2.3', '10.1.2.3', 443, false],
    ['*.2.3', '10.1.2.3', 443, false],
    ['host.example:', 'host.example', 443, true],
    ['[host.example]:443', 'host.example', 443, true],
    ['host.example:443:1', 'host.example', 443, false],
    ['*host.example', 'host.example', 443, false],
    ['*.', 'host.example', 443, false],
    [':443', 'host.example', 443, false],
    ['10.1.2.3/8/8', '10.1.2.3', 443, false],
    [',, ,', 'host.example', 443, false],
    ['', 'host.example', 443, false],
  ])('%j for %s:%i', (exceptions, hostname, port, direct) => {
    const proxy = proxyFor(hostname, port, { HTTPS_PROXY: 'http://p:1', NO_PROXY: exceptions })
    expect(proxy === undefined).toBe(direct)
  })

  test.each([
    ['localhost', true],
    ['LOCALHOST', true],
    ['localhost.', true],
    ['127.0.0.1', true],
    ['127.9.9.9', true],
    ['[::1]', true],
    ['::1', true],
    ['::ffff:127.0.0.1', true],
    ['foo.localhost', false],
    ['localhost.example', false],
    ['128.0.0.1', false],
    ['::2', false],
  ])('is not needed for %s, as in Go: %s', (hostname, direct) => {
    expect(proxyFor(hostname, 443, { HTTPS_PROXY: 'http://p:1' }) === undefined).toBe(direct)
  })

  test('may be written in lower case', () => {
    expect(proxyFor('h', 443, { https_proxy: 'http://p:1', no_proxy: 'h' })).toBeUndefined()
  })

  test('matches an address in every spelling, and no other address', () => {
    const group = fc.integer({ min: 0, max: 0xffff })
    const bytes = fc.oneof(
      fc.array(group, { minLength: 8, maxLength: 8 }),
      // With runs of zeros, and IPv4-mapped addresses.
      fc.array(fc.constantFrom(0, 0, 1, 0xabcd), { minLength: 8, maxLength: 8 }),
      fc.tuple(group, group).map((end) => [0, 0, 0, 0, 0, 0xffff, ...end]),
    )
    const isDirect = (host: string, exception: string): boolean =>
      proxyFor(host, 443, { HTTPS_PROXY: 'http://p:1', NO_PROXY: exception }) === undefined
    fc.assert(
      fc.property(bytes, bytes, (one, other) => {
        const host = one.map((part) => part.toString(16)).join(':')
        const same = one.every((part, at) => part === other[at])
        for (const spelling of spellings(other)) {
          const direct = same || host === '0:0:0:0:0:0:0:1' || /^0:0:0:0:0:ffff:7f..:[^:]+$/.test(host)
          expect([host, spelling, isDirect(host, spelling)]).toEqual([host, spelling, direct])
          expect([spelling, isDirect(new URL(`https://[${host}]`).hostname, spelling)]).toEqual([spelling, direct])
        }
        for (const spelling of spellings(one)) expect(isDirect(host, spelling)).toBe(true)
      }),
      { numRuns: 200 },
    )
  })
})

/** Spellings of an IPv6 address: in full, padded, in capitals, as in URLs, and with an IPv4 end. */
function spellings(parts: readonly number[]): string[] {
  const hex = parts.map((part) => part.toString(16))
  const quad = parts.slice(6).flatMap((part) => [part >> 8, part & 0xff])
  const short = new URL(`https://[${hex.join(':')}]`).hostname.slice(1, -1)
  const mapped = short.startsWith('::ffff:') ? [quad.join('.')] : []
  const padded = hex.map((part) => part.padStart(4, '0')).join(':')
  return [
    hex.join(':'),
    padded,
    padded.toUpperCase(),
    short,
    `[${short}]:443`,
    `${hex.slice(0, 6).join(':')}:${quad.join('.')}`,
    ...mapped,
  ]
}
