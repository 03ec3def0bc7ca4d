/** Images of Kubernetes manifests: every map that is a pod specification, whatever the resource around it is. */
import { isMap, isScalar, isSeq, type Node } from 'yaml'
import { UsageError } from '../errors.js'
import type { ImageCollector } from './found-images.js'
import type { FindOptions, ImageUseKind } from './image-use.js'
import type { Entry, YamlTree } from './yaml-tree.js'

const LISTS: ReadonlyMap<string, ImageUseKind> = new Map([
  ['containers', 'container'],
  ['initContainers', 'init-container'],
  ['ephemeralContainers', 'ephemeral-container'],
])
/** Lists and maps of containers that some resources have besides, by the group of their API. */
const FURTHER: ReadonlyMap<string, { readonly lists: readonly string[]; readonly maps: readonly string[] }> = new Map([
  ['argoproj.io', { lists: ['sidecars'], maps: ['container', 'script'] }],
  // A StepAction has its image in `spec` itself.
  ['tekton.dev', { lists: ['steps', 'sidecars'], maps: ['stepTemplate', 'spec'] }],
])
/** A patch of the pod that Argo Workflows makes, as a text. */
const POD_PATCH = 'podSpecPatch'
/** May set an image: it has the word, or an escape that may hide it. */
const MAY_SET_IMAGE = /image|\\/i
const PATH = /^\$(?:\.[A-Za-z0-9_-]+|\[(?:\*|[0-9]+)\])+$/

/**
 * Finds the images of one document.
 *
 * @throws UsageError ERR_SETTINGS_INVALID for a template that was not rendered, or an option `paths` that is none
 */
export function findInKubernetes(tree: YamlTree, collector: ImageCollector, options: FindOptions): void {
  if (!isSchema(tree)) new PodReader(tree, collector).read()
  for (const path of options.paths ?? []) {
    for (const node of nodesAt(tree, path)) collector.add('given-path', node)
  }
}

/** The schemas of a resource have names such as `containers` and `image` too, which are no images. */
function isSchema(tree: YamlTree): boolean {
  const [kind, version] = ['kind', 'apiVersion'].map((name) => tree.text(tree.get(tree.root, name)))
  return kind === 'CustomResourceDefinition' && version?.startsWith('apiextensions.k8s.io/') === true
}

class PodReader {
  readonly #tree: YamlTree
  readonly #collector: ImageCollector

  constructor(tree: YamlTree, collector: ImageCollector) {
    this.#tree = tree
    this.#collector = collector
  }

  read(): void {
    // By group: an alias may bring the same node into a resource of another group.
    const seen = new Map<string, Set<Node>>(['', ...FURTHER.keys()].map((group) => [group, new Set()]))
    const waiting: { readonly node: Node; readonly group: string }[] = [{ node: this.#tree.root, group: '' }]
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const { node } = next
      const entries = this.#tree.entries(node)
      const group = this.#groupOf(entries) ?? next.group
      if (seen.get(group)?.has(node) === true) continue
      seen.get(group)?.add(node)
      if (isMap(node)) this.#readMap(entries, group)
      const inner = isSeq(node) ? this.#tree.items(node) : [...entries.values()].flatMap(({ value }) => value ?? [])
      for (const node of inner) if (!isScalar(node)) waiting.push({ node, group })
    }
  }

  /** The group of a resource, or '' for one without containers of its own; undefined when the map is no resource. */
  #groupOf(entries: ReadonlyMap<string, Entry>): string | undefined {
    const group = this.#tree.text(entries.get('apiVersion')?.value)?.replace(/\/.*$/, '')
    return group === undefined || FURTHER.has(group) ? group : ''
  }

  #readMap(entries: ReadonlyMap<string, Entry>, group: string): void {
    const further = FURTHER.get(group)
    for (const { name, value } of entries.values()) {
      const kind = LISTS.get(name) ?? (further?.lists.includes(name) ? 'container' : undefined)
      if (kind !== undefined && isSeq(value)) for (const item of this.#tree.items(value)) this.#readContainer(kind, item)
      if (further?.maps.includes(name) && isMap(value)) this.#readContainer('container', value)
      if (further !== undefined && name === POD_PATCH && value !== undefined && MAY_SET_IMAGE.test(this.#tree.text(value) ?? ''))
        this.#collector.unresolved('container', value, 'a patch that sets images: write them into the containers')
    }
    for (const volume of this.#tree.items(entries.get('volumes')?.value)) {
      const reference = this.#tree.get(this.#tree.get(volume, 'image'), 'reference')
      if (reference !== undefined) this.#collector.add('image-volume', reference)
    }
  }

  #readContainer(kind: ImageUseKind, container: Node): void {
    const image = this.#tree.get(container, 'image')
    if (image === undefined) return
    if (isScalar(image)) {
      this.#collector.add(kind, image)
      return
    }
    const start = image.range?.[0] ?? 0
    if (!this.#tree.source.text.startsWith('{{', start)) return
    throw this.#tree.source.broken(
      start,
      'a template that was not rendered',
      'Render it first, for example: helm template CHART > FILE',
    )
  }
}

/** The nodes at a path such as `$.spec.items[*].image`. */
function nodesAt(tree: YamlTree, path: string): readonly Node[] {
  if (!PATH.test(path)) {
    throw new UsageError('ERR_SETTINGS_INVALID', `not a path: ${path}`, {
      hint: 'A path looks like $.spec.imageName or $.spec.items[*].image; write it in quotes.',
    })
  }
  let nodes: readonly Node[] = [tree.root]
  for (const [step] of path.matchAll(/\.[A-Za-z0-9_-]+|\[[^\]]*\]/g)) {
    const next = nodes.flatMap((node) => {
      if (step.startsWith('.')) return tree.get(node, step.slice(1)) ?? []
      return step === '[*]' ? tree.items(node) : (tree.items(node)[Number(step.slice(1, -1))] ?? [])
    })
    // Once each: aliases would multiply them.
    nodes = [...new Set(next)]
  }
  return nodes
}
