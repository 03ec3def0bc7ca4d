import { describe, expect, test } from 'vitest'
import { serverIdentity } from '../../src/reference/server-identity.js'
import { parseServer } from '../../src/trust-server/notary-url.js'

const identityOf = (typed: string) => serverIdentity(parseServer(typed).url)

describe('one server is one, however its address is spelled', () => {
  test.each([
    ['https://notary.example', 'https://NOTARY.Example:443/'],
    ['https://notary.example', 'https://notary.example.'],
    ['https://notary.example:4443/prefix', 'HTTPS://notary.example:4443/prefix/'],
    ['https://[::1]:8443', 'https://[0:0:0:0:0:0:0:1]:8443/'],
  ])('%s and %s', (one, other) => {
    expect(identityOf(one)).toBe(identityOf(other))
    // What was recorded is an address, and stays the same server.
    expect(serverIdentity(identityOf(one))).toBe(identityOf(one))
  })

  test.each([
    ['another host', 'https://mirror.example'],
    ['another port', 'https://notary.example:4443'],
    ['another prefix', 'https://notary.example/prefix'],
  ])('%s is another server', (_, other) => {
    expect(identityOf(other)).not.toBe(identityOf('https://notary.example'))
  })

  test('a recorded text that is no address is the identity of no server', () => {
    for (const text of ['', 'notary.example', 'garbage']) expect(serverIdentity(text)).toBe(text)
  })
})
