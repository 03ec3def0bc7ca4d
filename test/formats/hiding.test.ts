/**
 * Ways to hide an image from a gate: each text makes docker, Compose, kubectl or kustomize use `evil:1`. The gate must see the image,
 * or refuse the file, or name the place as one that it does not understand.
 */
import { expect, test } from 'vitest'
import { UsageError } from '../../src/errors.js'
import { findImageUses } from '../../src/formats/find-image-uses.js'

const pod = (container: string, before = '') =>
  `apiVersion: v1\nkind: Pod\n${before}spec:\n  containers:\n    - name: a\n${container}`
const service = (lines: string) => `services:\n  a:\n${lines}`
const inline = (lines: string) => service(`    build:\n      dockerfile_inline: |\n${lines.replace(/^/gm, '        ')}\n`)

const WAYS: readonly (readonly [string, string, string])[] = [
  ['behind a here-document that is none', 'Dockerfile', 'FROM a:1\nRUN sh -c "cat <<EOF"\nFROM evil:1\n'],
  ['behind a here-document in JSON', 'Dockerfile', 'FROM a:1\nRUN ["cat", "<<EOF"]\nFROM evil:1\n'],
  ['behind a here-document in a comment', 'Dockerfile', 'FROM a:1\nRUN a \\\n# <<EOF\n b\nFROM evil:1\n'],
  ['behind the end of a here-document', 'Dockerfile', 'FROM a:1\nRUN <<-A cat <<B\n\tA\nB\nFROM evil:1\n'],
  ['behind an escape directive that is none', 'Dockerfile', '\n# escape=`\nFROM a:1\nRUN a `\nFROM evil:1\n'],
  ['behind an escape directive of another Unicode', 'Dockerfile', '# escape\u00a0=`\nFROM a:1\nRUN a `\nFROM evil:1\n'],
  ['behind a directive that older versions do not know', 'Dockerfile', '# check=x\n# escape=`\nFROM a:1\nRUN a `\nFROM evil:1\n'],
  ['behind two escape characters', 'Dockerfile', 'FROM a:1\nRUN a \\\\\nFROM evil:1\n'],
  ['in an option with an escape', 'Dockerfile', 'FROM a:1\nCOPY --fr\\om=evil:1 a b\n'],
  ['in an option, behind the other escape', 'Dockerfile', '# escape=`\nFROM a:1\nCOPY --chown=a` --from=evil:1 a b\n'],
  ['in an option within a letter', 'Dockerfile', 'FROM a:1\nCOPY --chown=à--from=evil:1 a b\n'],
  ['in a quoted mount', 'Dockerfile', 'FROM a:1\nRUN --mount="type=bind,from=evil:1,target=/x" a\n'],
  ['in a mount with keys in upper case', 'Dockerfile', 'FROM a:1\nRUN --mount=type=bind,FROM=evil:1,target=/x a\n'],
  ['in a trigger', 'Dockerfile', 'FROM a:1\nONBUILD RUN --mount=from=evil:1,target=/x a\n'],
  ['in a variable of a stage', 'Dockerfile', 'ARG B=evil:1\nFROM a:1\nARG B=a:1\nFROM $B\n'],
  ['in a variable with a pattern', 'Dockerfile', `ARG B=xevil:1\nFROM $\{B#x}\n`],
  ['under a name that becomes a stage later', 'Dockerfile', 'FROM evil\nFROM a:1 AS evil\n'],
  ['as another frontend', 'Dockerfile', '# syntax=evil:1\nFROM a:1\n'],
  ['as another frontend behind a shebang', 'Dockerfile', '#!/bin/x\n# syntax=evil:1\nFROM a:1\n'],
  ['in a file in lower case', 'dockerfile', 'FROM evil:1\n'],
  ['in a comment that ends early', 'a.yaml', pod('      # x\r      image: evil:1\n')],
  ['in a comment with a line separator', 'a.yaml', pod('      # x\u2028      image: evil:1\n')],
  ['under an escaped key', 'a.yaml', pod('      "im\\u0061ge": evil:1\n')],
  ['under a key in base64', 'a.yaml', pod('      !!binary aW1hZ2U=: evil:1\n')],
  ['as a value in base64', 'a.yaml', pod('      image: !!binary ZXZpbDox\n')],
  ['under a key that an alias writes', 'a.yaml', pod('      *k : evil:1\n', 'metadata: {name: &k image}\n')],
  ['in a merge below the image', 'a.yaml', pod('      image: a:1\n      <<: *m\n', 'x: &m {image: evil:1}\n')],
  ['in a merge of a merge', 'a.yaml', pod('      <<: *m\n', 'x: &m {<<: {image: evil:1}}\n')],
  ['in a merge with a tag', 'a.yaml', pod('      !!merge "<<": *m\n', 'x: &m {image: evil:1}\n')],
  ['behind a second anchor of one name', 'a.yaml', pod('      image: *i\n', 'x: &i a:1\ny: &i evil:1\n')],
  [
    'in a second document',
    'a.yaml',
    `kind: Kustomization\napiVersion: kustomize.config.k8s.io/v1\n---\n${pod('      image: evil:1\n')}`,
  ],
  ['behind the end of a document', 'a.yaml', `a: 1\n...\n${pod('      image: evil:1\n')}`],
  ['under the name of another kind of file', 'compose.yaml', pod('      image: evil:1\n')],
  [
    'in a list of a list',
    'a.yaml',
    `apiVersion: v1\nkind: List\nitems: [{kind: List, items: [{spec: {containers: [{image: evil:1}]}}]}]\n`,
  ],
  [
    'in a resource that calls itself a schema',
    'a.yaml',
    pod('      image: evil:1\n').replace('kind: Pod', 'kind: CustomResourceDefinition'),
  ],
  ['in an ephemeral container', 'a.yaml', pod('      image: a:1\n  ephemeralContainers: [{image: evil:1}]\n')],
  ['in an image volume', 'a.yaml', pod('      image: a:1\n  volumes: [{image: {reference: evil:1}}]\n')],
  [
    'in a variable that is an image context',
    'compose.yaml',
    service(`    build:\n      additional_contexts: {a: "$\{X:-docker-image://evil:1}"}\n`),
  ],
  [
    'in an image context without slashes',
    'compose.yaml',
    service('    build:\n      additional_contexts: {a: "docker-image:evil:1"}\n'),
  ],
  ['in a hook', 'compose.yaml', service('    image: a:1\n    pre_start: [{image: evil:1}]\n')],
  ['as the scanner of a build', 'compose.yaml', service('    build: {sbom: "generator=evil:1"}\n')],
  ['as the frontend of a build', 'compose.yaml', service('    build: {args: [BUILDKIT_SYNTAX=evil:1]}\n')],
  ['in an argument of the environment', 'compose.yaml', `${inline('ARG B=a:1\nFROM $$B')}      args: [B]\n`],
  [
    'in a build that two services make together',
    'compose.yaml',
    `${inline('ARG B=a:1\nFROM $$B')}  b: {extends: a, build: {args: {B: evil:1}}}\n`,
  ],
  ['in a service named by a variable', 'compose.yaml', `services:\n  a: {image: a:1}\n  b: {extends: "$\{X:-a}"}\n`],
  ['in the other use of a tag', 'kustomization.yaml', 'images:\n- {name: a, newTag: &t "1"}\n- {name: evil, newTag: *t}\n'],
  ['under a key in another case', 'kustomization.yaml', 'images:\n- {name: a, newTag: "1", NEWNAME: evil}\n'],
  ['in a patch', 'kustomization.yaml', 'patches:\n- patch: \'[{op: add, path: /x, value: {"im\\u0061ge": evil:1}}]\'\n'],
  ['in a job with the name of a keyword', '.gitlab-ci.yml', 'cache: {image: evil:1}\n'],
  [
    'behind a separator that kubectl alone takes for one',
    'a.yaml',
    `${pod('      image: a:1\n')}---#x: |\n  ${pod('      image: evil:1\n').replaceAll('\n', '\n  ')}\n`,
  ],
  [
    'behind a separator with a space of Unicode',
    'a.yaml',
    `{a: "\n---\u00a0\n", ${JSON.stringify({ kind: 'Pod', apiVersion: 'v1' }).slice(1)}`,
  ],
  ['in a quoted merge that kubectl follows', 'a.yaml', pod('      ! "<<": *m\n', 'x: &m {image: evil:1}\n')],
  [
    'in a patch of a workflow',
    'a.yaml',
    `apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nspec: {podSpecPatch: '{"containers": [{"im\\u0061ge": "evil:1"}]}'}\n`,
  ],
  [
    'in a volume whose type a variable hides',
    'compose.yaml',
    service(`    image: a:1\n    volumes: [{type: "$\{X:-image}", source: evil:1, target: /x}]\n`),
  ],
  [
    'in a volume whose type the environment decides',
    'compose.yaml',
    service('    image: a:1\n    volumes: [{type: $X, source: evil:1, target: /x}]\n'),
  ],
  [
    'as a frontend whose argument a variable hides',
    'compose.yaml',
    service(`    build: {args: ["$\{X:-BUILDKIT_SYNTAX}=evil:1"]}\n`),
  ],
  [
    'in an argument whose name a variable hides',
    'compose.yaml',
    `${inline('ARG B=a:1\nFROM $$B')}      args: ["$\{X:-B}=evil:1"]\n`,
  ],
  [
    'in a service that a second document lets pull',
    'compose.yaml',
    `${service('    image: evil:1\n    pull_policy: never\n')}---\n${service('    pull_policy: always\n')}`,
  ],
  ['in services of an expression', '.github/workflows/a.yml', `on: push\njobs: {a: {services: "$\{{ fromJSON('evil:1') }}"}}\n`],
  ['as a service', '.gitlab-ci.yml', 'a: {services: [{name: evil:1}]}\n'],
  ['in upper case', '.github/workflows/a.yml', 'on: push\njobs: {a: {steps: [{uses: DOCKER://evil:1}]}}\n'],
]

/** What is not verified there is said as a warning, whatever else the file says of the same name. */
const RISKS: readonly (readonly [string, string])[] = [
  [
    'a name that another service never pulls',
    'services:\n  a: {image: &i evil:1, build: .}\n  b: {image: *i, pull_policy: never}\n',
  ],
  ['a cache in a registry', service('    build: {cache_from: [evil:1]}\n')],
  ['another remote cache', service('    build: {cache_from: [type=gha]}\n')],
  ['a cache of two types', service('    build: {cache_from: ["type=local,src=x,type=gha"]}\n')],
  ['a cache whose second type is in quotes', service('    build: {cache_from: [\'type=local,"type=gha"\']}\n')],
]

test.each(RISKS)('%s is a risk', (_, text) => {
  expect(findImageUses('compose.yaml', text).skipped).toContainEqual(expect.objectContaining({ isRisk: true }))
})

test('a cache in a folder is no risk', () => {
  const { skipped } = findImageUses('compose.yaml', service('    build: {cache_from: ["type=local,src=x"]}\n'))
  expect(skipped.filter(({ isRisk }) => isRisk)).toEqual([])
})

test('files with patches of a kustomization are named', () => {
  const text = 'patches: [{path: p.yaml}]\npatchesStrategicMerge: [q.yaml, "kind: Pod", patches/memory]\n'
  const { skipped } = findImageUses('kustomization.yaml', text)
  expect(skipped.map(({ reason }) => reason)).toEqual(Array(3).fill('the patch is in another file: name that file too'))
})

test.each(WAYS)('%s', (_, path, text) => {
  try {
    const { uses, problems } = findImageUses(path, text)
    const isSeen = uses.some(({ reference }) => reference === undefined || reference.startsWith('evil'))
    expect(isSeen || problems.length > 0).toBe(true)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
  }
})
