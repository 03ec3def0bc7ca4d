/** `images` of a kustomization: kubernetes-sigs/kustomize api/types/image.go. */
import { isMap, isScalar, type Node } from 'yaml'
import { UsageError } from '../errors.js'
import type { ImageCollector } from './found-images.js'
import type { Slot } from './image-use.js'
import { SourceText } from './source-text.js'
import { scalarSlot, scalarText } from './yaml-scalar.js'
import { parseYaml } from './yaml-source.js'
import type { Entry, YamlTree } from './yaml-tree.js'

const TAG_ELSEWHERE = 'the tag is that of the resources: write newTag here'

/** Keys of a kustomization that are read here, and of its images. */
const KEYS = ['images', 'patches', 'patchesStrategicMerge', 'patchesJson6902'] as const
const IMAGE_KEYS = ['name', 'newName', 'newTag', 'digest'] as const
/** Keys whose resources, and the images of those, are described elsewhere. */
const ELSEWHERE = [
  'resources',
  'bases',
  'components',
  'helmCharts',
  'helmChartInflationGenerator',
  'generators',
  'transformers',
  'replacements',
]
const PATCH_FILE = 'the patch is in another file: name that file too'
const BUILD = 'verify the output of kustomize build instead'

/**
 * Finds the images that a kustomization sets, that of Flux too; the tag stays, the digest has a key of its own. A patch that sets
 * images is a use that is not resolved.
 */
export function findInKustomization(tree: YamlTree, collector: ImageCollector): void {
  if (isJsonPatch(tree)) readPatch(collector, tree.root, tree)
  const isFlux = tree.text(tree.get(tree.root, 'apiVersion'))?.startsWith('kustomize.toolkit.fluxcd.io/') === true
  // An alias may bring the same patch again.
  const patches = new Set<Node>()
  for (const holder of isFlux ? [tree.root, tree.get(tree.root, 'spec')] : [tree.root]) {
    checkCase(tree, collector, holder, KEYS)
    for (const image of tree.items(tree.get(holder, 'images'))) readImage(tree, collector, image)
    for (const name of KEYS.slice(1)) {
      for (const patch of tree.items(tree.get(holder, name))) {
        const text = tree.get(patch, 'patch') ?? (isMap(patch) ? undefined : patch)
        if (text !== undefined) patches.add(text)
        const path = tree.get(patch, 'path')
        if (path !== undefined) collector.skip(path, PATCH_FILE)
      }
    }
  }
  for (const text of patches) readPatchText(tree, collector, text)
  for (const name of ELSEWHERE) {
    const node = tree.get(tree.root, name)
    if (node !== undefined) collector.skip(node, `${name} may bring further images: ${BUILD}`)
  }
}

/** True for a file that is a list of operations on a resource: RFC 6902. */
export function isJsonPatch(tree: YamlTree): boolean {
  const [first] = tree.items(tree.root)
  return tree.text(tree.get(first, 'op')) !== undefined && tree.text(tree.get(first, 'path')) !== undefined
}

/** kustomize does not tell the case of its keys apart: a second spelling would hide what counts. */
function checkCase(tree: YamlTree, collector: ImageCollector, node: Node | undefined, keys: readonly string[]): void {
  const known = new Map(keys.map((key) => [key.toLowerCase(), key]))
  for (const { name, key } of tree.entries(node).values()) {
    const meant = known.get(name.normalize('NFKC').toLowerCase())
    if (meant !== undefined && meant !== name) collector.problem(key, `kustomize reads this key as ${meant}: write it so`)
  }
}

/** A patch within the file. A text that is neither a map nor a list is the path of another file. */
function readPatchText(tree: YamlTree, collector: ImageCollector, node: Node): void {
  const text = tree.text(node) ?? ''
  try {
    for (const inner of parseYaml(new SourceText(tree.source.path, text)).trees) {
      if (isScalar(inner.root)) collector.skip(node, PATCH_FILE)
      else readPatch(collector, node, inner)
    }
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    collector.unresolved('kustomize-image', node, `a patch that cannot be read here: ${BUILD}`)
  }
}

function readPatch(collector: ImageCollector, place: Node, patch: YamlTree): void {
  if (setsImage(patch)) collector.unresolved('kustomize-image', place, `a patch that sets images: ${BUILD}`)
}

/** True when a key `image` is anywhere in a patch, or a path that leads to one. */
function setsImage(patch: YamlTree): boolean {
  const seen = new Set<Node>()
  const waiting: Node[] = [patch.root]
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if (seen.has(node)) continue
    seen.add(node)
    const entries = patch.entries(node)
    if (entries.has('image') || /\/image(?:\/|$)/.test(patch.text(entries.get('path')?.value) ?? '')) return true
    waiting.push(...patch.items(node), ...[...entries.values()].flatMap(({ value }) => value ?? []))
  }
  return false
}

function readImage(tree: YamlTree, collector: ImageCollector, image: Node): void {
  checkCase(tree, collector, image, IMAGE_KEYS)
  const entries = tree.entries(image)
  const name = tree.get(image, 'newName') ?? tree.get(image, 'name')
  if (name === undefined) {
    collector.problem(image, 'an image without a name')
    return
  }
  const tag = tree.get(image, 'newTag')
  const digest = tree.get(image, 'digest')
  const texts = [name, tag, digest].map((node) => (node === undefined ? '' : collector.read('kustomize-image', node)?.value))
  const [nameText, tagText, digestText] = texts
  if (nameText === undefined || tagText === undefined || digestText === undefined) return
  const span = tree.source.place(spanOf(tree, tag ?? digest ?? name))
  if (tagText === '' && digestText === '') {
    collector.addResolved('kustomize-image', { span, reason: TAG_ELSEWHERE })
    return
  }
  const value = `${nameText}${tagText === '' ? '' : `:${tagText}`}${digestText === '' ? '' : `@${digestText}`}`
  const slot = digest === undefined ? insertedDigest(tree, image, entries.get('newTag')) : replacedDigest(collector, digest)
  collector.addResolved('kustomize-image', { span, value, slot })
}

function spanOf(tree: YamlTree, node: Node): { readonly start: number; readonly end: number } {
  const scalar = scalarText(tree.source, node)
  return 'reason' in scalar ? { start: 0, end: 0 } : scalar.span
}

function replacedDigest(collector: ImageCollector, digest: Node): Slot | undefined {
  const scalar = collector.read('kustomize-image', digest)
  const slot = scalar === undefined ? undefined : scalarSlot(scalar)
  return slot === undefined ? undefined : { ...slot, holds: 'digest' }
}

/** A new key `digest` before the key `newTag`, which is there when a digest is missing. */
function insertedDigest({ source }: YamlTree, image: Node, tag: Entry | undefined): Slot | undefined {
  const start = tag?.key.range?.[0]
  if (!isMap(image) || start === undefined || !image.items.some(({ key }) => key === tag?.key)) return undefined
  if (image.flow === true) {
    const isJson = source.text.startsWith('"', start)
    return { start, end: start, holds: 'digest', before: isJson ? '"digest": "' : 'digest: ', after: isJson ? '", ' : ', ' }
  }
  const lineStart = source.text.lastIndexOf('\n', start - 1) + 1
  const before = source.text.slice(lineStart, start)
  if (!/^[\ufeff -]*$/.test(before)) return undefined
  const lineFeed = source.text.includes('\r\n') ? '\r\n' : '\n'
  return {
    start,
    end: start,
    holds: 'digest',
    before: 'digest: ',
    after: lineFeed + before.replace(/\ufeff/, '').replaceAll('-', ' '),
  }
}
