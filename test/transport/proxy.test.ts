import { describe, expect, test } from 'vitest'
import { UsageError } from '../../src/errors.js'
import { proxyFor } from '../../src/transport/proxy.js'

describe('which proxy', () => {
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
    // As Go, and unlike curl: only commas part the list.
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
  ])('without it: %s is never asked through a proxy, as in Go: %s', (hostname, direct) => {
    expect(proxyFor(hostname, 443, { HTTPS_PROXY: 'http://p:1' }) === undefined).toBe(direct)
  })

  test('the lower-case form counts too', () => {
    expect(proxyFor('h', 443, { https_proxy: 'http://p:1', no_proxy: 'h' })).toBeUndefined()
  })
})
