import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { UsageError } from '../../src/errors.js'
import { parseGun, parseReference, parseRepository } from '../../src/reference/reference.js'

const HEX64 = '1a3f5e7d9c1b3a5f7e9d1c3b5a7f9e1d3c5b7a9f1e3d5d7c9b1a3f5e7d9c1b3a'
const DIGEST = `sha256:${HEX64}`
const FORMAT = 'invalid reference format'

/** The error that a parser gives for a text; fails when it accepts, or throws anything else. */
function refusal(input: string, parse: (text: string) => unknown = parseReference): UsageError {
  try {
    parse(input)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    expect(error.code).toBe('ERR_REFERENCE_INVALID')
    expect(error.hint).not.toBe('')
    return error
  }
  throw new Error(`accepted: ${JSON.stringify(input.slice(0, 300))}`)
}

/** The cells of a table written as text: one row a line, white space between the cells. */
function rows(table: string): string[][] {
  return table
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/ +/))
}

describe('familiar names are completed as Docker completes them', () => {
  // REF-01, 03, 04, 08, 11, 12, 17, 28, 30, 31, 32; distribution/reference normalize_test.go.
  // reference, domain, path, familiar name
  const COMPLETED = rows(`
    alpine                              docker.io            library/alpine          alpine
    library/alpine                      docker.io            library/alpine          alpine
    docker.io/alpine                    docker.io            library/alpine          alpine
    docker.io/library/alpine            docker.io            library/alpine          alpine
    index.docker.io/alpine              docker.io            library/alpine          alpine
    index.docker.io/library/alpine      docker.io            library/alpine          alpine
    index.docker.io/user/app            docker.io            user/app                user/app
    user/app                            docker.io            user/app                user/app
    quay.io/x/y                         quay.io              x/y                     quay.io/x/y
    quay.io/x                           quay.io              x                       quay.io/x
    registry-1.docker.io/library/alpine registry-1.docker.io library/alpine          registry-1.docker.io/library/alpine
    docker.io:443/library/alpine        docker.io:443        library/alpine          docker.io:443/library/alpine
    foo.com                             docker.io            library/foo.com         foo.com
    docker.io                           docker.io            library/docker.io       docker.io
    localhost                           docker.io            library/localhost       localhost
    library                             docker.io            library/library         library
    library/library/alpine              docker.io            library/library/alpine  library/library/alpine
    docker.io/library/foo/bar           docker.io            library/foo/bar         library/foo/bar
    docker.io/a.b/c                     docker.io            a.b/c                   a.b/c
    test_com/foo                        docker.io            test_com/foo            test_com/foo
    localhost/foo                       localhost            foo                     localhost/foo
    localhost:5000/foo                  localhost:5000       foo                     localhost:5000/foo
    test:5000/foo                       test:5000            foo                     test:5000/foo
    foo.com:99999/bar                   foo.com:99999        bar                     foo.com:99999/bar
    foo.com:0/bar                       foo.com:0            bar                     foo.com:0/bar
    foo.com:080/bar                     foo.com:080          bar                     foo.com:080/bar
    192.168.1.1/team/app                192.168.1.1          team/app                192.168.1.1/team/app
    xn--n3h.com:18080/foo               xn--n3h.com:18080    foo                     xn--n3h.com:18080/foo
    a--b.c---d/foo                      a--b.c---d           foo                     a--b.c---d/foo
    0/0                                 docker.io            0/0                     0/0
    con/aux                             docker.io            con/aux                 con/aux
    nul                                 docker.io            library/nul             nul
    x.io/metadata                       x.io                 metadata                x.io/metadata
    docker.io/${HEX64}                  docker.io            library/${HEX64}        ${HEX64}
    ${HEX64}/foo                        docker.io            ${HEX64}/foo            ${HEX64}/foo
    ${HEX64.slice(1)}                   docker.io            library/${HEX64.slice(1)} ${HEX64.slice(1)}
  `)
  test.each(COMPLETED)('%s', (reference = '', domain = '', path = '', familiarName = '') => {
    const parsed = { domain, path, gun: `${domain}/${path}`, familiarName }
    expect(parseReference(reference)).toStrictEqual({ reference, ...parsed, tag: 'latest', tagDefaulted: true })
    expect(parseRepository(reference)).toStrictEqual(parsed)
  })

  test.each([
    ['Docker.io/alpine', 'Docker.io', 'alpine'],
    ['FOO/bar', 'FOO', 'bar'],
    ['USER/app', 'USER', 'app'],
    ['Index.docker.io/alpine', 'Index.docker.io', 'alpine'],
    ['Foo.Example:5000/bar/baz', 'Foo.Example:5000', 'bar/baz'],
  ])('an upper-case first part is a registry and keeps its case: %s (REF-05)', (reference, domain, path) => {
    expect(parseReference(reference)).toMatchObject({ domain, path, gun: reference, familiarName: reference })
  })

  test.each([
    ['[::1]:5000/foo', '[::1]:5000'],
    ['[::1]/foo', '[::1]'],
    ['[fc00:1:2:3:4:5:6:7]:5000/foo', '[fc00:1:2:3:4:5:6:7]:5000'],
    ['[2001:DB8::]/foo', '[2001:DB8::]'],
  ])('an IPv6 registry is in brackets: %s', (reference, domain) => {
    expect(parseReference(reference)).toMatchObject({ domain, path: 'foo', gun: reference })
  })
})

describe('tags and digests', () => {
  test.each([
    ['alpine', 'latest', true, undefined],
    ['alpine:latest', 'latest', false, undefined],
    ['alpine:3.19', '3.19', false, undefined],
    ['foo.com:5000', '5000', false, undefined],
    ['localhost:5000/foo:5050', '5050', false, undefined],
    ['lowercase:Uppercase', 'Uppercase', false, undefined],
    ['alpine:__proto__', '__proto__', false, undefined],
    ['alpine:_t', '_t', false, undefined],
    ['alpine:t.-_', 't.-_', false, undefined],
    [`alpine:${'t'.repeat(128)}`, 't'.repeat(128), false, undefined],
    [`alpine:${HEX64}`, HEX64, false, undefined],
    [`docker.io/library/${DIGEST}`, HEX64, false, undefined],
    [`alpine@${DIGEST}`, undefined, false, DIGEST],
    [`alpine:3.19@${DIGEST}`, '3.19', false, DIGEST],
    [`[::1]:5000/foo:t@${DIGEST}`, 't', false, DIGEST],
  ])('%s', (reference, tag, tagDefaulted, digest) => {
    const parsed = parseReference(reference)
    expect([parsed.tag, parsed.tagDefaulted, parsed.digest]).toStrictEqual([tag, tagDefaulted, digest])
    expect('tag' in parsed).toBe(tag !== undefined)
    expect('digest' in parsed).toBe(digest !== undefined)
  })

  test.each(['.t', '-t', 't/x', 't:u', 'é', 't+', '', ' t', 't\n', 't'.repeat(129), '\u212a', `t@${HEX64}`])(
    'the tag %j is refused (REF-24)',
    (tag) => {
      expect(refusal(`alpine:${tag}`).message).toBe(FORMAT)
    },
  )

  const UNSUPPORTED = 'unsupported digest algorithm: only sha256 can be compared with signed digests'
  test.each([
    [`alpine@sha256:${HEX64.slice(1)}`, 'invalid checksum digest length'],
    [`alpine@sha256:${HEX64}0`, 'invalid checksum digest length'],
    [`alpine:t@sha256:${'f'.repeat(34)}`, 'invalid checksum digest length'],
    [`alpine@sha512:${HEX64}`, 'invalid checksum digest length'],
    [`alpine@sha256:${HEX64.toUpperCase()}`, 'invalid checksum digest format'],
    [`alpine@sha512:${'F'.repeat(128)}`, 'invalid checksum digest format'],
    [`alpine:t@SHA256:${HEX64}`, 'invalid checksum digest format'],
    [`alpine@sha512:${HEX64}${HEX64}`, UNSUPPORTED],
    [`alpine:t@sha384:${'f'.repeat(96)}`, UNSUPPORTED],
    [`alpine@md5:${'f'.repeat(32)}`, UNSUPPORTED],
    [`alpine@sha256+b64:${HEX64}`, UNSUPPORTED],
    [`alpine@constructor:${HEX64}`, UNSUPPORTED],
    [`alpine@SHA256:${HEX64}`, `${FORMAT}: repository name (library/alpine@SHA256) must be lowercase`],
    ...['@sha256:abc', '@sha256:', '@', `@${HEX64}`, `@${DIGEST}\n`, `@${DIGEST}@${DIGEST}`, `@${DIGEST}:t`].map((digest) => [
      `alpine${digest}`,
      FORMAT,
    ]),
    [`@${DIGEST}`, FORMAT],
  ])('%j is refused in the words of go-digest', (reference = '', message = '') => {
    expect(refusal(reference).message).toBe(message)
  })
})

describe('an invalid reference is refused with the message of distribution/reference', () => {
  test.each([
    ['Alpine', 'library/Alpine', 'Write alpine'],
    ['Alpine:Edge', 'library/Alpine', 'Write alpine:Edge'],
    ['user/App', 'user/App', 'Write user/app'],
    ['docker/Docker', 'docker/Docker', 'Write docker/docker'],
    ['docker.io/Alpine', 'library/Alpine', 'Write docker.io/alpine'],
    ['index.docker.io/Alpine', 'library/Alpine', 'Write index.docker.io/alpine'],
    ['Foo.Example:5000/Team/App:RC1', 'Team/App', 'Write Foo.Example:5000/team/app:RC1'],
    [`alpine@SHA256:${HEX64}`, 'library/alpine@SHA256', `Write alpine@${DIGEST}`],
  ])('upper case in a repository name: %s (REF-06)', (reference, name, hint) => {
    const error = refusal(reference)
    expect(error.message).toBe(`${FORMAT}: repository name (${name}) must be lowercase`)
    expect(error.hint).toBe(hint)
  })

  test.each(['My_App/we$b', 'My_App/web:@', 'My_App/web:-x'])('nor is the case what is wrong with %s', (reference) => {
    expect(refusal(reference).message).toBe('invalid reference format')
  })

  test('a lower-case form that is not valid either, or that has a look-alike in it, is not suggested', () => {
    expect(refusal('user/App_').hint).not.toContain('app')
    expect(refusal('user/App\u212a').hint).not.toContain('app')
  })

  test.each([
    ['My_App/web:Edge', 'Write my_app/web:Edge'],
    ['X_y.example/app', undefined],
    ['\u212a.io/foo', undefined],
  ])('upper case in what looks like a registry and can be none: %s', (reference, hint) => {
    const error = refusal(reference)
    expect(error.message).toBe('repository name must be lowercase')
    if (hint === undefined) expect(error.hint).not.toMatch(/^Write/)
    else expect(error.hint).toBe(hint)
  })

  test('64 hexadecimal digits alone (REF-17)', () => {
    const error = refusal(HEX64)
    expect(error.message).toBe(`invalid repository name (${HEX64}), cannot specify 64-byte hexadecimal strings`)
    expect(error.hint).toContain(`name@${DIGEST}`)
  })

  test.each([DIGEST, DIGEST.toUpperCase().replace('SHA', 'sha'), `sha512:${HEX64}${HEX64}`, `sha384:${'0'.repeat(96)}`])(
    'a bare digest is not an image named after the algorithm: %s (REF-19)',
    (digest) => {
      const error = refusal(digest)
      expect(error.message).toBe(`${FORMAT}: no repository name`)
      expect(error.hint).toBe(`Write name@${digest}`)
    },
  )

  test('the path counts 255 characters, the domain none (REF-29)', () => {
    const long = 'repository name must not be more than 255 characters'
    expect(parseReference(`x.io/${'a'.repeat(255)}`).path).toHaveLength(255)
    expect(refusal(`x.io/${'a'.repeat(256)}`).message).toBe(long)
    expect(parseReference('a'.repeat(247)).path).toHaveLength(255)
    expect(refusal('a'.repeat(248)).message).toBe(long)
    expect(refusal(`${'a/'.repeat(128)}a:tag`).message).toBe(long)
    expect(parseReference(`${'a/'.repeat(127)}a:tag-puts-this-over-max`).path).toHaveLength(255)
    expect(refusal(`x.io/${'a'.repeat(256)}@sha512:${HEX64}`).message).toBe(long)
  })

  const words = (text: string) => text.split(' ')
  const WHITE_SPACE = [' ', ' alpine', 'alpine ', 'alpine\n', 'alpine\r\n', '\talpine', '\ufeffalpine', 'alpine\u00a0', 'al pine']
  const NOT_ASCII = ['é/foo', 'foo/é', 'É/foo', 'é.com/foo', '\u212a!/foo', 'İ.io/foo', '\ud800', 'a\u0000b', '\u017f/foo']
  test.each([
    ['empty, ., .. and missing components (REF-26)', ['', ...words('/ a//b /a a/ ../a a/../b ./a . .. :t x.io/ docker.io/')]],
    ['white space, which is never trimmed (REF-26)', WHITE_SPACE],
    ['addresses and their parts (REF-27)', words('https://quay.io/x docker://alpine a?b a#b a%2fb a\\b u:p@h/x u@h/x')],
    ['letters outside ASCII, control characters (REF-28)', NOT_ASCII],
    [
      'IPv6 with a zone, with IPv4 inside, without brackets (REF-16)',
      words('[fe80::1%eth0]:5000/x [::ffff:1.2.3.4]/x ::1/x 1::1:5/x'),
    ],
    ['invalid IPv6, or IPv6 without a repository', words('[zz:]/x []:1/x [::1] [::1]:5000 [::1/x ::1]/x [::1]5/x')],
    ['separators that may not meet or end (REF-25)', words('a___b a._b a..b a- -a .a a_ x/-a _a/b a-.b/x a-/x')],
    [
      'registries that are not a host',
      words('foo_bar.com/x foo_bar.com:80/x a..b/x -a.b/x a.b-/x a.b./x a.b:/x a.b:x/y a:1:2/x .a/x'),
    ],
    ['a tag or digest in front of the path', [`alpine@${DIGEST}/x`, `alpine:t@${DIGEST}/x`, 'alpine:t/x']],
  ])('%s', (_, references) => {
    for (const reference of references) expect(refusal(reference).message, JSON.stringify(reference)).toBe(FORMAT)
  })

  test.each(['a--b', 'a__b', 'a_b', 'a.b', 'a-b', 'a---b', '0'])('the component %s is allowed (REF-25)', (component) => {
    expect(parseReference(`x/${component}`).path).toBe(`x/${component}`)
  })

  test('the hint names the correction', () => {
    expect(refusal('').hint).toContain('at least one component')
    expect(refusal(' alpine').hint).toContain('Remove the white space')
    expect(refusal('alpine\n').hint).toContain('Remove the white space')
    expect(refusal('https://quay.io/x/y').hint).toContain('leave out https://')
    expect(refusal('é.com/x').hint).toContain('xn--')
    expect(refusal('::1/foo').hint).toContain('[IPv6 address]:port')
    expect(refusal('foo_bar.com/x').hint).toContain('no underscore')
    expect(refusal('alpine:-t').hint).toContain('1 to 128')
    expect(refusal('alpine@sha256:abc').hint).toContain('name@sha256:<64')
  })

  test('a password in an address is not repeated', () => {
    for (const address of ['https://user:Secret@host/x', 'https://Secret@host/x', 'user:Secret@host/x', 'Secret@host/x']) {
      expect(JSON.stringify(refusal(address)), address).not.toMatch(/secret/i)
    }
  })

  test('what is not a text at all is a usage error too', () => {
    for (const parse of [parseReference, parseRepository, parseGun]) {
      for (const input of [undefined, null, 7, {}, ['alpine']]) {
        expect(() => Reflect.apply(parse, undefined, [input])).toThrow(UsageError)
      }
    }
  })
})

describe('a repository has neither tag nor digest', () => {
  test.each(['alpine:3.19', `alpine@${DIGEST}`, `alpine:3.19@${DIGEST}`, 'alpine:latest'])('%s', (reference) => {
    const error = refusal(reference, parseRepository)
    expect(error.message).toBe(`${FORMAT}: a repository without tag or digest is expected`)
    expect(error.hint).toBe('Write docker.io/library/alpine here.')
  })

  test.each(['', 'Alpine', HEX64, DIGEST, 'alpine:', 'alpine@', ' alpine'])('%j is not a repository', (reference) => {
    refusal(reference, parseRepository)
  })
})

describe('a GUN is returned unchanged', () => {
  test.each('a docker.io/library/alpine alpine Example.com:5000/App_1 - a:b ... a/... a/.b ::1'.split(' '))('%s', (gun) => {
    expect(parseGun(gun)).toBe(gun)
  })

  const REFUSED = ['', 'a b', 'a\n', ...'/ /a a/ a//b . .. ./a a/. a/../b ../a a/.. a/./b a%2fb a\\b a@b a?b a#b'.split(' ')]
  test.each(REFUSED)('%j is refused', (gun) => {
    expect(refusal(gun, parseGun).message).toMatch(/^invalid GUN/)
  })

  test('the name of every image repository is one, also of an IPv6 registry and beyond 255 characters', () => {
    for (const repository of [
      '[::1]:5000/app',
      '[2001:db8::1]/a/b',
      `registry.example/${'a'.repeat(255)}`,
      `${'a.'.repeat(300)}io/x`,
    ]) {
      expect(parseGun(parseReference(repository).gun)).toBe(repository)
      expect(parseRepository(repository).gun).toBe(repository)
    }
    for (const gun of ['[::1]', '[::1]:5000', '[x]/app', 'a[b]/c', '[::1]:5000/App', '[::1]:5000/a//b', '[::1]:5000/app:1.0'])
      expect(refusal(gun, parseGun).message, gun).toMatch(/^invalid GUN/)
  })

  test('255 characters are the most for any other', () => {
    expect(parseGun('x'.repeat(255))).toHaveLength(255)
    refusal('x'.repeat(256), parseGun)
  })

  test('letters outside ASCII are refused', () => {
    for (const gun of ['é', '\u212a', '\ud800']) refusal(gun, parseGun)
  })
})

/**
 * distribution/reference v0.6.0 as one anchored pattern over `domain "/" remainder`, which is how Go does it; the
 * product splits first. Two ways to the same language.
 */
const COMPONENT = '[a-z0-9]+(?:(?:[._]|__|[-]+)[a-z0-9]+)*'
const LABEL = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])'
const MODEL = new RegExp(
  `^(?<domain>(?:${LABEL}(?:\\.${LABEL})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?)/(?<path>${COMPONENT}(?:/${COMPONENT})*)` +
    '(?::(?<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@(?<digest>sha256:[a-f0-9]{64}))?$',
)

function model(text: string): Record<string, string | undefined> | undefined {
  if (/^(?:sha256:[a-fA-F0-9]{64}|[a-f0-9]{64})$/.test(text)) return undefined
  const [first = '', ...others] = text.split('/')
  const registry = others.length > 0 && (/[.:A-Z]/.test(first) || first === 'localhost')
  let [domain, remainder] = registry ? [first, others.join('/')] : ['docker.io', text]
  if (domain === 'index.docker.io') domain = 'docker.io'
  if (domain === 'docker.io' && !remainder.includes('/')) remainder = `library/${remainder}`
  const { path = '', ...groups } = MODEL.exec(`${domain}/${remainder}`)?.groups ?? {}
  return path === '' || path.length > 255 ? undefined : { path, ...groups }
}

const pieces = fc.constantFrom(
  ...[
    'a',
    'b0',
    'A',
    'Z',
    '0',
    '_',
    '__',
    '.',
    '-',
    '--',
    '/',
    ':',
    '@',
    '[',
    ']',
    '::1',
    'localhost',
    'docker.io',
    'index.docker.io',
  ],
  ...[
    'library',
    '5000',
    'sha256',
    HEX64,
    `@${DIGEST}`,
    'sha512',
    'latest',
    ' ',
    '\n',
    'é',
    '\u212a',
    '\u0000',
    '%',
    '\\',
    '?',
    '//',
  ],
)
const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.array(pieces, { maxLength: 9 }).map((parts) => parts.join('')),
  fc.array(fc.constantFrom('a', 'B', '1', '.', '-', '_', '/', ':', '@'), { maxLength: 12 }).map((parts) => parts.join('')),
)

const component = fc.stringMatching(/^[a-z0-9]{1,6}(?:(?:\.|_|__|-{1,3})[a-z0-9]{1,4}){0,2}$/)
const domain = fc.oneof(
  fc.constantFrom('docker.io', 'index.docker.io', 'localhost', 'localhost:5000', '[::1]:5000', 'FOO'),
  fc.stringMatching(/^[A-Za-z0-9]{1,5}(?:-[A-Za-z0-9]{1,3}){0,2}\.[a-z]{2,4}(?::[0-9]{1,6})?$/),
)
const repository = fc.tuple(fc.option(domain, { nil: undefined }), fc.array(component, { minLength: 1, maxLength: 4 }))
const tag = fc.option(fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}$/), { nil: undefined })
const digest = fc.option(
  fc.stringMatching(/^[0-9a-f]{64}$/).map((digits) => `sha256:${digits}`),
  { nil: undefined },
)

describe('properties', () => {
  test('no text makes a parser throw anything but ERR_REFERENCE_INVALID', () => {
    fc.assert(
      fc.property(
        hostile,
        fc.constantFrom<(text: string) => unknown>(parseReference, parseRepository, parseGun),
        (text, parse) => {
          try {
            parse(text)
          } catch (error) {
            if (!(error instanceof UsageError) || error.code !== 'ERR_REFERENCE_INVALID') throw error
          }
        },
      ),
      { numRuns: 3000 },
    )
  })

  test('it accepts what the pattern of distribution/reference accepts, and reads it in the same way', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const expected = model(text)
        if (expected === undefined) return void refusal(text)
        const parsed = parseReference(text)
        const typedTag = parsed.tagDefaulted ? undefined : parsed.tag
        expect({ domain: parsed.domain, path: parsed.path, tag: typedTag, digest: parsed.digest }).toEqual(expected)
      }),
      { numRuns: 6000 },
    )
  })

  test('the canonical form of a reference is read as the same reference', () => {
    fc.assert(
      fc.property(repository, tag, digest, ([host, components], typedTag, typedDigest) => {
        const name = [...(host === undefined ? [] : [host]), ...components].join('/')
        // Without a registry, a first component with a period would be read as one.
        fc.pre(host !== undefined || components.length === 1 || components[0]?.includes('.') === false)
        const suffix = `${typedTag === undefined ? '' : `:${typedTag}`}${typedDigest === undefined ? '' : `@${typedDigest}`}`
        const { reference, ...parsed } = parseReference(name + suffix)
        expect(reference).toBe(name + suffix)
        expect(parsed.tag).toBe(typedTag ?? (typedDigest === undefined ? 'latest' : undefined))
        expect(parsed.digest).toBe(typedDigest)

        const { reference: _, ...again } = parseReference(parsed.gun + suffix)
        expect(again).toStrictEqual(parsed)
        const { tag: _tag, digest: _digest, tagDefaulted: _defaulted, ...repositoryOnly } = parsed
        expect(parseRepository(parsed.gun)).toStrictEqual(repositoryOnly)
        expect(parseGun(parsed.gun)).toBe(parsed.gun)
      }),
      { numRuns: 1000 },
    )
  })
})

describe('endless input is refused at once', () => {
  const seeds = [
    'a',
    'A',
    'a-',
    '-',
    'a_',
    '_',
    'a.',
    '.',
    'a/',
    '/',
    ':',
    'a:',
    '@',
    'a@',
    '[',
    '[:',
    '0',
    'a__',
    '-a.',
    'İ',
    ' ',
    '\n',
    `@${DIGEST}`,
  ]
  const shapes = (fill: string) => [
    fill,
    `${fill}!`,
    `x.io/${fill}!`,
    `${fill}.io/x!`,
    `x:${fill}!`,
    `x@sha256:${fill}!`,
    `[${fill}/x`,
  ]

  test.each([4000, 40_000, 400_000])('patterns of %i characters', (length) => {
    const texts = seeds.flatMap((seed) => shapes(seed.repeat(length / seed.length)))
    const started = performance.now()
    for (const text of texts) {
      for (const parse of [parseReference, parseRepository, parseGun]) {
        const error = refusal(text, parse)
        expect(error.message.length + error.hint.length).toBeLessThan(4500)
        expect(JSON.stringify(error.evidence ?? {}).length).toBeLessThan(4500)
      }
    }
    // One quadratic pattern on 40,000 characters takes more than a second; all of these together take about 50 ms.
    expect(performance.now() - started).toBeLessThan(2000)
  })

  test('the limit is 4096 characters', () => {
    const host = (length: number) => `${'a'.repeat(length - 4)}.b/c`
    expect(parseReference(host(4096)).path).toBe('c')
    expect(refusal(host(4097)).message).toBe(`${FORMAT}: longer than 4096 characters`)
  })
})

describe('the evidence of a refusal', () => {
  test('the length of a path that is too long', () => {
    expect(refusal(`quay.io/${'a'.repeat(256)}`).evidence).toEqual({ length: 256 })
  })

  test.each([
    [`alpine@sha256:${HEX64.slice(1)}`, 'sha256', 63],
    [`alpine@sha256:${HEX64.toUpperCase()}`, 'sha256', 64],
    [`alpine@sha512:${HEX64}${HEX64}`, 'sha512', 128],
  ])('algorithm and length of the digest in %s', (text, algorithm, length) => {
    expect(refusal(text).evidence).toEqual({ algorithm, length })
  })
})
