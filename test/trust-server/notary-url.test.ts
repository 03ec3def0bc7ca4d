import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { UsageError } from '../../src/errors.js'
import { metadataUrl, parseServer } from '../../src/trust-server/notary-url.js'

describe('parseServer', () => {
  test.each([
    ['https://notary.docker.io', 'https://notary.docker.io', 'notary.docker.io', 'https://notary.docker.io/'],
    ['https://notary.docker.io/', 'https://notary.docker.io', 'notary.docker.io', 'https://notary.docker.io/'],
    [
      'https://container-trust.oci.oraclecloud.com:443/',
      'https://container-trust.oci.oraclecloud.com:443',
      'container-trust.oci.oraclecloud.com:443',
      'https://container-trust.oci.oraclecloud.com/',
    ],
    ['https://host:4443/some/prefix/', 'https://host:4443/some/prefix', 'host:4443', 'https://host:4443/some/prefix'],
    ['HTTPS://Host', 'HTTPS://Host', 'Host', 'https://host/'],
    ['https://[::1]:4443', 'https://[::1]:4443', '[::1]:4443', 'https://[::1]:4443/'],
    ['https://127.0.0.1:65535', 'https://127.0.0.1:65535', '127.0.0.1:65535', 'https://127.0.0.1:65535/'],
  ])('%s', (text, typed, host, href) => {
    const server = parseServer(text)
    expect({ ...server, url: server.url.href }).toEqual({ kind: 'trust server', typed, host, url: href })
  })

  test.each([
    'http://host',
    'host',
    'host:4443',
    '',
    'https://',
    'https:///path',
    'https:host',
    ' https://host',
    'https://host ',
    'https://ho st',
    'https://host\n',
    'https://host\\path',
    'https://host:0',
    'https://host:65536',
    'https://host:99999',
    'https://host:port',
    'https://host:',
    'https://..',
    'https://.host',
    'https://a..b',
    'https://h%6fst',
    'https://bücher.example',
    'https://[::1',
    'https://host/a/../b',
    'https://host/%2e%2e/b',
    'https://host/a//b',
    'https://host/./b',
    'ftp://host',
    'unix:///var/run/docker.sock',
  ])('%j is not a valid trust server [HTTP-43]', (text) => {
    expect(() => parseServer(text)).toThrow(UsageError)
    expect(() => parseServer(text)).toThrow(/^valid https URL required for trust server, got /)
  })

  test('the error for an invalid address holds it as typed', () => {
    expect(() => parseServer('http://host:80/x')).toThrow('valid https URL required for trust server, got http://host:80/x')
  })

  test.each([
    'https://user:pa55word@host',
    'http://user:pa55word@host',
    'https://user:pa55word@@host',
    'https://user:pa55word/x@host',
    'https://user:pa55word#x@host',
    'https://user:pa55word?x@host',
    'https://pa55word@host',
    'user:pa55word@host',
    'https://host?token=pa55word',
    'https://host/#pa55word',
    'https://host/a?b=pa55word#c',
    'https://host\\@pa55word@x',
  ])('%s is refused, and the error does not hold its secret', (text) => {
    try {
      parseServer(text)
      expect.unreachable()
    } catch (failure) {
      expect(failure).toMatchObject({ code: 'ERR_SETTINGS_INVALID', kind: 'usage' })
      expect(JSON.stringify(failure)).not.toContain('pa55')
    }
  })
})

describe('metadataUrl', () => {
  const server = parseServer('https://host:4443/prefix')

  test.each([
    ['docker.io/library/alpine', 'root', 'docker.io/library/alpine/_trust/tuf/root'],
    ['localhost:5000/my_app/x--y', '2.root', 'localhost:5000/my_app/x--y/_trust/tuf/2.root'],
    ['[::1]:5000/x', 'timestamp', '%5B::1%5D:5000/x/_trust/tuf/timestamp'],
    ['Some.Collection', 'targets/releases.abc', 'Some.Collection/_trust/tuf/targets/releases.abc'],
  ])('%s %s', (gun, name, path) => {
    expect(metadataUrl(server, gun, name).href).toBe(`https://host:4443/prefix/v2/${path}.json`)
  })

  const hostile = [
    '',
    '.',
    '..',
    '/a',
    'a/',
    'a//b',
    'a/../b',
    '../../../x',
    'a/./b',
    'a/%2e%2e/b',
    '%2e%2e/b',
    'a/.%2E/b',
    'a?b',
    'a#b',
    'a\\b',
    'a\\..\\b',
    'a@b',
    '@evil.example/x',
    '//evil.example/x',
    'a b',
    'a\tb',
    'a\nb',
    'a\0b',
    'ä',
  ]

  test.each(hostile)('a collection named %j is refused [HTTP-42]', (gun) => {
    expect(() => metadataUrl(server, gun, 'root')).toThrow(UsageError)
  })

  test.each([...hostile.filter((text) => !/^\.+$/.test(text)), 'a:b'])('a file named %j is refused', (name) => {
    expect(() => metadataUrl(server, 'docker.io/library/alpine', name)).toThrow(UsageError)
  })

  test('no name changes the host, the port or the rest of the path', () => {
    const piece = fc.constantFrom('a', '.', '..', '/', '\\', '%2e', '%2f', '?', '#', '@', ':', '//', 'é', ' ', '\t', '[', ']')
    const text = fc.oneof(
      fc.string(),
      fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join('')),
    )
    fc.assert(
      fc.property(text, text, (gun, name) => {
        let url: URL
        try {
          url = metadataUrl(server, gun, name)
        } catch (failure) {
          expect(failure).toBeInstanceOf(UsageError)
          return
        }
        expect(decodeURIComponent(url.href)).toBe(`https://host:4443/prefix/v2/${gun}/_trust/tuf/${name}.json`)
      }),
      { numRuns: 5_000 },
    )
  })
})
