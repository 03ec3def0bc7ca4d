/** `images` of a kustomization: kubernetes-sigs/kustomize api/types/image.go. */
import { isMap, type Node } from 'yaml'
import type { ImageCollector } from './found-images.js'
import type { Slot } from './image-use.js'
import { scalarSlot, scalarText } from './yaml-scalar.js'
import type { Entry, YamlTree } from './yaml-tree.js'

const TAG_ELSEWHERE = 'the tag is that of the resources: write newTag here'

/** Finds the images that a kustomization sets; the tag stays, the digest has a key of its own. */
export function findInKustomization(tree: YamlTree, collector: ImageCollector): void {
  for (const image of tree.items(tree.get(tree.root, 'images'))) readImage(tree, collector, image)
  for (const name of ['patches', 'patchesStrategicMerge', 'patchesJson6902']) {
    for (const patch of tree.items(tree.get(tree.root, name))) {
      const text = tree.get(patch, 'patch') ?? patch
      if (/\bimage\b/.test(tree.text(text) ?? '')) {
        collector.skip(text, 'a patch that may set images: check what kustomize build writes')
      }
    }
  }
}

function readImage(tree: YamlTree, collector: ImageCollector, image: Node): void {
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
  const slot = digest === undefined ? insertedDigest(tree, image, entries.get('newTag')) : replacedDigest(tree, digest)
  collector.addResolved('kustomize-image', { span, value, slot })
}

function spanOf(tree: YamlTree, node: Node): { readonly start: number; readonly end: number } {
  const scalar = scalarText(tree.source, node)
  return 'reason' in scalar ? { start: 0, end: 0 } : scalar.span
}

function replacedDigest(tree: YamlTree, digest: Node): Slot | undefined {
  const scalar = scalarText(tree.source, digest)
  const slot = 'reason' in scalar ? undefined : scalarSlot(scalar)
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
