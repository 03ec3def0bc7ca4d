/** The address of a request names one image, or is refused: nothing in it is completed, decoded or guessed. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseReference } from '../../src/reference/reference.js'
import { parseResolverRequest } from '../../src/service/resolver-request.js'
import { runs } from '../fuzz/fuzz.js'

const digest = `sha256:${'a'.repeat(64)}`

test.each([
  ['/v2/team/app/manifests/1.0?ns=registry.example%3A5001', 'registry.example:5001', 'team/app', '1.0'],
  ['/v2/library/alpine/manifests/3.19?ns=docker.io', 'docker.io', 'library/alpine', '3.19'],
  ['/v2/registry.example_5001/team/app/manifests/1.0', 'registry.example:5001', 'team/app', '1.0'],
  ['/v2/localhost/app/manifests/1.0', 'localhost', 'app', '1.0'],
  ['/v2/a/manifests/b/manifests/c?ns=r.example', 'r.example', 'a/manifests/b', 'c'],
  [`/v2/team/app/manifests/${digest}?ns=r.example`, 'r.example', 'team/app', digest],
])('reads %s', (target, registry, path, reference) => {
  expect(parseResolverRequest(target)).toEqual({ kind: 'manifest', registry, path, reference, isDigest: reference === digest })
})

test('reads the address of a blob', () => {
  const image = { kind: 'blob', registry: 'r.example:5000', path: 'team/app', reference: digest, isDigest: true }
  expect(parseResolverRequest(`/v2/r.example_5000/team/app/blobs/${digest}`)).toEqual(image)
})

test.each([
  ['no ns', '/v2/team/app/manifests/1.0'],
  ['an empty ns', '/v2/team/app/manifests/1.0?ns='],
  ['ns twice', '/v2/team/app/manifests/1.0?ns=a.example&ns=a.example'],
  ['ns twice, once encoded', '/v2/team/app/manifests/1.0?ns=a.example&%6es=b.example'],
  ['an ns with a path', '/v2/app/manifests/1.0?ns=r.example/team'],
  ['an ns with a user', '/v2/app/manifests/1.0?ns=user@r.example'],
  ['an ns that is completed', '/v2/library/alpine/manifests/1.0?ns=index.docker.io'],
  ['an ns with a port that is none', '/v2/app/manifests/1.0?ns=r.example:65536'],
  ['an ns in upper case', '/v2/app/manifests/1.0?ns=R.example'],
  ['an ns without a dot', '/v2/app/manifests/1.0?ns=registry'],
  ['Docker Hub without library', '/v2/alpine/manifests/3.19?ns=docker.io'],
  ['a dot segment', '/v2/team/../app/manifests/1.0?ns=r.example'],
  ['an encoded segment', '/v2/team%2fapp/manifests/1.0?ns=r.example'],
  ['an empty segment', '/v2/team//app/manifests/1.0?ns=r.example'],
  ['upper case', '/v2/Team/app/manifests/1.0?ns=r.example'],
  ['a digest in the tag', '/v2/app/manifests/1.0@sha256:00?ns=r.example'],
  ['another algorithm', `/v2/app/manifests/sha512:${'a'.repeat(128)}?ns=r.example`],
  ['a blob by name', '/v2/app/blobs/latest?ns=r.example'],
  ['a blob with a short digest', '/v2/app/blobs/sha256:00?ns=r.example'],
  ['no tag', '/v2/app/manifests/?ns=r.example'],
  ['a long address', `/v2/app/manifests/1.0?ns=r.example&x=${'x'.repeat(3000)}`],
])('refuses %s', (_, target) => {
  expect(parseResolverRequest(target)).toHaveProperty('problem')
})

test.each(['/v2/', '/verify', '/v2/app/tags/list', '/', '*', 'http://r.example/v2/a/manifests/b?ns=c.example'])(
  'leaves %s to others',
  (target) => expect(parseResolverRequest(target)).toBeUndefined(),
)

test('an accepted address is the reference that it spells, to the letter', () => {
  const part = fc.constantFrom(
    'team',
    'app',
    'manifests',
    '..',
    '.',
    '',
    '%2e',
    'A',
    'r.example',
    'r.example_5000',
    'docker.io',
    'x_1',
    '@',
    ':5',
    '?ns=a.b',
    '&ns=',
    '#',
    '\\',
  )
  const target = fc
    .tuple(fc.array(part, { maxLength: 5 }), part, fc.option(part, { nil: undefined }))
    .map(([path, tag, ns]) => `/v2/${path.join('/')}/manifests/${tag}${ns === undefined ? '' : `?ns=${ns}`}`)
  fc.assert(
    fc.property(target, (text) => {
      const found = parseResolverRequest(text)
      if (found === undefined || 'problem' in found) return
      const { registry, path, reference, isDigest } = found
      const parsed = parseReference(`${registry}/${path}${isDigest ? '@' : ':'}${reference}`)
      expect([parsed.domain, parsed.path, parsed.tag ?? parsed.digest]).toEqual([registry, path, reference])
    }),
    runs(2_000),
  )
})
