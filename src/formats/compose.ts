/** Images of Compose files: compose-spec 05-services.md. */
import { isScalar, type Node } from 'yaml'
import { ComposeBuilds } from './compose-build.js'
import { ComposeValues } from './compose-values.js'
import type { ImageCollector } from './found-images.js'
import type { FindOptions } from './image-use.js'
import type { YamlTree } from './yaml-tree.js'

const PULLED_FIRST =
  'the name of what is built, not verified: Compose pulls an image of this name first, and builds only when there is none. Add pull_policy: build'
const NEVER_PULLED: ReadonlySet<string | undefined> = new Set(['build', 'never'])
/** Services that extend each other. Stops circles. */
const MAX_EXTENDS = 10

/** Refuses a service that two documents of a file describe: Compose merges them, and each is read by itself here. */
export function checkComposeDocuments(trees: readonly YamlTree[], collector: ImageCollector): void {
  const names = new Set<string>()
  for (const tree of trees) {
    const services = [...tree.entries(tree.get(tree.root, 'services')).values()]
    for (const { name, key } of services)
      if (names.has(name))
        collector.problem(key, 'a service that an earlier document of this file describes too: write it in one of them')
    for (const { name } of services) names.add(name)
  }
}

/** Finds the images of one document. */
export function findInCompose(tree: YamlTree, collector: ImageCollector, options: FindOptions): void {
  new ComposeReader(tree, collector, options).read()
}

class ComposeReader {
  readonly #tree: YamlTree
  readonly #collector: ImageCollector
  readonly #values: ComposeValues
  readonly #builds: ComposeBuilds
  readonly #services: Node | undefined

  constructor(tree: YamlTree, collector: ImageCollector, options: FindOptions) {
    this.#tree = tree
    this.#collector = collector
    this.#values = new ComposeValues(tree, collector, options)
    this.#builds = new ComposeBuilds(this.#values)
    this.#services = tree.get(tree.root, 'services')
  }

  read(): void {
    const { root } = this.#tree
    for (const included of this.#tree.items(this.#tree.get(root, 'include'))) {
      this.#collector.skip(included, 'another file describes these services: name that file too')
    }
    for (const { value } of this.#tree.entries(this.#services).values()) {
      if (value !== undefined) this.#readService(value)
    }
  }

  /** The service and those that it extends in this file, each after the one that extends it. */
  #chainOf(service: Node): readonly Node[] {
    const chain: Node[] = []
    for (let current: Node | undefined = service; current !== undefined; ) {
      if (chain.length >= MAX_EXTENDS) {
        this.#collector.problem(service, `a service that extends others in a circle, or more than ${MAX_EXTENDS} in turn`)
        return chain
      }
      chain.push(current)
      const base: Node | undefined = this.#tree.get(current, 'extends')
      const named: string | undefined = this.#tree.text(base) ?? this.#tree.text(this.#tree.get(base, 'service'))
      const isElsewhere = this.#tree.get(base, 'file') !== undefined
      current = named === undefined || isElsewhere ? undefined : this.#tree.get(this.#services, named)
      if (base !== undefined && current === undefined && !isElsewhere)
        this.#collector.problem(base, 'the service that this one extends is not in this file')
    }
    return chain
  }

  /** Compose merges the builds of services that extend each other; which Dockerfile gets which arguments is then not known here. */
  #checkBuild(chain: readonly Node[], build: Node): void {
    const builds = chain.filter((service) => !this.#isReset(this.#tree.entries(service).get('build')?.value))
    if (builds.length > 1 && build.tag !== '!override')
      this.#collector.problem(build, 'a build that is put together from services that extend each other: write it in one of them')
  }

  /** The value of a key, of the first service of the chain that has it. */
  #inherited(chain: readonly Node[], name: string): Node | undefined {
    for (const service of chain) {
      const entry = this.#tree.entries(service).get(name)
      if (entry !== undefined) return this.#isReset(entry.value) ? undefined : entry.value
    }
    return undefined
  }

  #isReset(node: Node | undefined): boolean {
    return node === undefined || node.tag === '!reset' || (isScalar(node) && node.value === null)
  }

  #readService(service: Node): void {
    const chain = this.#chainOf(service)
    const image = this.#inherited(chain, 'image')
    const build = this.#inherited(chain, 'build')
    const platform = this.#tree.text(this.#inherited(chain, 'platform'))
    const policy = this.#tree.text(this.#inherited(chain, 'pull_policy'))
    const file = this.#tree.get(this.#tree.get(service, 'extends'), 'file')
    if (file !== undefined)
      this.#collector.skip(file, 'another file describes the service that this one extends: name that file too')
    if (image !== undefined && NEVER_PULLED.has(policy)) this.#collector.skip(image, `never pulled: pull_policy is ${policy}`)
    else if (image !== undefined && build !== undefined) this.#collector.skip(image, PULLED_FIRST, true)
    else if (image !== undefined) this.#values.add('compose-image', image, platform)
    if (build !== undefined) {
      this.#checkBuild(chain, build)
      this.#builds.read(build)
    }
    for (const name of ['pre_start', 'post_start', 'pre_stop']) {
      for (const hook of this.#values.items(this.#inherited(chain, name))) {
        const hookImage = this.#tree.get(hook, 'image')
        if (hookImage !== undefined) this.#values.add('compose-image', hookImage)
      }
    }
    for (const volume of this.#values.items(this.#inherited(chain, 'volumes'))) this.#readVolume(volume)
  }

  /** A variable may hide that the type is `image`. */
  #readVolume(volume: Node): void {
    const [type, source] = [this.#tree.get(volume, 'type'), this.#tree.get(volume, 'source')]
    if (type === undefined || source === undefined) return
    const known = this.#values.interpolate(this.#tree.text(type) ?? '')
    if ('reason' in known) this.#collector.unresolved('image-volume', type, known.reason)
    else if (known.value === 'image') this.#values.add('image-volume', source)
  }
}
