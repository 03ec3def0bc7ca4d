/** What the words of `docker build` say about images: each way by which one could come in is verified or refused. */
import { describe, expect, test } from 'vitest'
import { readBuildWords } from '../../src/engine/build-words.js'
import { readDockerOptions } from '../../src/engine/docker-options.js'
import { readDockerWords } from '../../src/engine/docker-words.js'
import { UsageError } from '../../src/errors.js'
import { BUILD_HELP } from '../support/stand-in-docker.js'

const OPTIONS = readDockerOptions(BUILD_HELP)

function read(words: readonly string[], env: Readonly<Record<string, string>> = {}, caches?: readonly string[]) {
  return readBuildWords(words, readDockerWords(words, OPTIONS, true), env, caches)
}

test('the last -f, the values of --build-arg, platforms and the builder', () => {
  const words = ['-f', 'a', '--file=b', '--build-arg', 'X=1=2', '--build-arg', 'Y', '--build-arg', 'Z', '--platform', 'a/b,c/d']
  expect(read([...words, '--builder', 'mine', 'folder'], { Y: 'y' })).toEqual({
    context: 'folder',
    file: 'b',
    buildArgs: new Map([
      ['X', '1=2'],
      ['Y', 'y'],
    ]),
    contexts: new Set(),
    images: [],
    platforms: ['a/b', 'c/d'],
    builder: 'mine',
  })
  expect(read(['.'], { DOCKER_DEFAULT_PLATFORM: 'linux/arm64' }).platforms).toEqual(['linux/arm64'])
})

describe('images that options name', () => {
  const SCANNER = 'docker/buildkit-syft-scanner:stable-1'
  test.each([
    [['--sbom=true'], [SCANNER]],
    [['--sbom', 'generator=x/y:1'], ['x/y:1']],
    [['--sbom=false'], []],
    [['--sbom=0'], []],
    [['--attest', 'type=sbom'], [SCANNER]],
    [['--attest', 'TYPE=sbom, Generator=x/y:1'], ['x/y:1']],
    [['--attest', 'type=sbom,disabled=true'], []],
    [['--attest', 'type=sbom,disabled=false'], [SCANNER]],
    [['--attest=type=provenance,mode=max'], []],
    [['--build-arg=BUILDKIT_SYNTAX=x/y:1'], ['x/y:1']],
    [['--build-arg', 'BUILDKIT_SYNTAX'], ['from/env:1']],
    [['--build-context', 'base=docker-image://x/y:1'], ['x/y:1']],
    [['--build-context=base=../folder', '--build-context', 'repo=https://example.com/x.git'], []],
  ])('%j', (words, images) => {
    expect(read([...words, '.'], { BUILDKIT_SYNTAX: 'from/env:1' }).images.map(({ reference }) => reference)).toEqual(images)
  })
})

describe('refused', () => {
  test.each([
    [['-t', 'x']],
    [['.', '.']],
    [['-f', '-', '-']],
    [['--build-context', 'x=oci-layout://y@sha256:z', '.']],
    [['--build-context', 'x=docker-image:y', '.']],
    [['--build-context', 'x', '.']],
    [['--build-context', '=y', '.']],
    [['--cache-from', 'alpine:3.19', '.']],
    [['--cache-from=type=registry,ref=alpine', '.']],
    [['--cache-from', 'ref=alpine,type=registry', '.']],
    [['--cache-from', 'type=local,src=x,type=registry,ref=y', '.']],
    [['--cache-from', 'type=new', '.']],
    [['--cache-from', 'type=local,src=x', '--cache-from', 'alpine', '.']],
    [['--attest', '"type=sbom","generator=x"', '.']],
    [['--policy=reset=true', '.']],
  ])('%j', (words) => {
    expect(() => read(words)).toThrow(UsageError)
  })

  test.each(['type=local,src=x', ''])('not: --cache-from %j', (cache) => {
    expect(read([`--cache-from=${cache}`, '.']).context).toBe('.')
  })

  test.each([
    ['type=gha', 'gha'],
    ['type=s3,bucket=x', 's3'],
    ['type=azblob', 'azblob'],
    ['type=registry,ref=x/y:1', 'registry'],
    ['x/y:1', 'registry'],
  ])('the remote cache %s, unless its type is accepted', (cache, type) => {
    expect(() => read(['--cache-from', cache, '.'])).toThrow(UsageError)
    expect(() => read(['--cache-from', cache, '.'], {}, ['other'])).toThrow(UsageError)
    expect(read(['--cache-from', cache, '.'], {}, [type]).context).toBe('.')
    expect(() => read(['--cache-from', `${cache},type=new`, '.'], {}, [type])).toThrow(UsageError)
  })
})
