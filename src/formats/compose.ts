/** Images of Compose files: compose-spec 05-services.md and build.md. */
import { isScalar, type Node } from 'yaml'
import { buildCacheType } from '../build-cache.js'
import { embeddedDockerfile } from './compose-dockerfile.js'
import { interpolate, wholeDefault } from './compose-interpolation.js'
import { findInDockerfile } from './dockerfile.js'
import { isDockerfileFrontend, OTHER_FRONTEND, SYNTAX_ARGUMENT } from './dockerfile-syntax.js'
import type { ImageCollector } from './found-images.js'
import type { FindOptions, ImageUseKind } from './image-use.js'
import { MAX_DOCKERFILE_CHARACTERS } from './limits.js'
import { partSpan, scalarSlot } from './yaml-scalar.js'
import type { Entry, YamlTree } from './yaml-tree.js'

const IMAGE_CONTEXT = 'docker-image://'
const GENERATOR = 'generator='
const PULLED_FIRST =
  'the name of what is built, not verified: Compose pulls an image of this name first, and builds only when there is none. Add pull_policy: build'
const NO_DOLLAR = 'a digest has no place in a reference put together from variables: write it in one piece'
const NEVER_PULLED: ReadonlySet<string | undefined> = new Set(['build', 'never'])
/** Arguments, contexts, volumes and hooks of all services. Stops aliases that multiply them. */
const MAX_PARTS = 50_000
/** Services that extend each other. Stops circles. */
const MAX_EXTENDS = 10

/** Compose puts the documents of a file together: a service that is in two of them is what both say, which is not known from one. */
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
  readonly #options: FindOptions
  readonly #variables: ReadonlyMap<string, string>
  readonly #services: Node | undefined

  /** An alias may bring the same Dockerfile again. */
  #inlineCharacters = 0
  #parts = 0

  constructor(tree: YamlTree, collector: ImageCollector, options: FindOptions) {
    this.#tree = tree
    this.#collector = collector
    this.#options = options
    this.#variables = options.variables ?? new Map()
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
    else if (image !== undefined) this.#add('compose-image', image, platform)
    if (build !== undefined) {
      this.#checkBuild(chain, build)
      this.#readBuild(build)
    }
    for (const name of ['pre_start', 'post_start', 'pre_stop']) {
      for (const hook of this.#items(this.#inherited(chain, name))) {
        const hookImage = this.#tree.get(hook, 'image')
        if (hookImage !== undefined) this.#add('compose-image', hookImage)
      }
    }
    for (const volume of this.#items(this.#inherited(chain, 'volumes'))) {
      this.#readVolume(volume)
    }
  }

  /** A variable may hide that the type is `image`. */
  #readVolume(volume: Node): void {
    const [type, source] = [this.#tree.get(volume, 'type'), this.#tree.get(volume, 'source')]
    if (type === undefined || source === undefined) return
    const known = interpolate(this.#tree.text(type) ?? '', this.#variables)
    if ('reason' in known) this.#collector.unresolved('image-volume', type, known.reason)
    else if (known.value === 'image') this.#add('image-volume', source)
  }

  #items(node: Node | undefined): readonly Node[] {
    const items = this.#tree.items(node)
    this.#count(node, items.length)
    return items
  }

  #entries(node: Node | undefined): readonly Entry[] {
    const entries = this.#tree.entries(node)
    this.#count(node, entries.size)
    return [...entries.values()]
  }

  #count(node: Node | undefined, parts: number): void {
    this.#parts += parts
    if (this.#parts <= MAX_PARTS) return
    throw this.#tree.source.tooLarge(node?.range?.[0] ?? 0, `more than ${MAX_PARTS} arguments, contexts, volumes and hooks`)
  }

  #readBuild(build: Node): void {
    const contexts = new Set<string>(this.#options.contexts)
    const given = this.#tree.get(build, 'additional_contexts')
    for (const { name, value } of this.#entries(given)) {
      if (value !== undefined) this.#readContext(value, contexts, name)
    }
    for (const item of this.#items(given)) this.#readContext(item, contexts)
    for (const cache of this.#items(this.#tree.get(build, 'cache_from'))) this.#readCache(cache)
    const sbom = this.#tree.get(build, 'sbom')
    if (sbom !== undefined) this.#readSbom(sbom)
    const buildArgs = this.#buildArgs(build)
    const inline = this.#tree.get(build, 'dockerfile_inline')
    if (inline !== undefined) this.#readInline(inline, contexts, buildArgs)
    else this.#collector.skip(build, 'built from a Dockerfile: name that file too')
  }

  /** `NAME: SOURCE`, or in a list `NAME=SOURCE`; a variable may hide that the source is an image. */
  #readContext(node: Node, contexts: Set<string>, key?: string): void {
    const written = this.#tree.text(node) ?? ''
    const known = interpolate(written, this.#variables)
    const text = 'value' in known ? known.value : written
    const equals = key === undefined ? text.indexOf('=') : -1
    contexts.add(key ?? (equals === -1 ? text : text.slice(0, equals)))
    const source = text.slice(equals + 1)
    const prefix = `${key === undefined ? text.slice(0, equals + 1) : ''}${IMAGE_CONTEXT}`
    if (written.startsWith(prefix)) this.#add('build-context', node, undefined, prefix)
    else if ('reason' in known) this.#collector.unresolved('build-context', node, known.reason)
    else if (source.startsWith('docker-image:'))
      this.#collector.unresolved('build-context', node, `write the image in one piece: ${IMAGE_CONTEXT}IMAGE`)
    else if (/^[a-z-]+:\/\/|@/.test(source))
      this.#collector.skip(node, 'a build context that is no image of a registry: what it holds is not verified')
  }

  /** The builder takes layers from a cache in place of what the Dockerfile says. */
  #readCache(cache: Node): void {
    if (buildCacheType(this.#tree.text(cache) ?? '') === 'local') return
    this.#collector.skip(
      cache,
      'a remote cache: layers of the build may come from it, and nothing signs them. Leave it out, or keep the cache in a folder',
      true,
    )
  }

  /** `generator=IMAGE` names the scanner; else the builder has one of its own. */
  #readSbom(sbom: Node): void {
    if (this.#tree.text(sbom)?.startsWith(GENERATOR)) this.#add('sbom-scanner', sbom, undefined, GENERATOR)
    else if (isScalar(sbom) && /^(?:true|1)$/i.test(String(sbom.value)))
      this.#collector.skip(sbom, "the scanner is the builder's own choice: write sbom: generator=IMAGE to have it verified")
    else if (isScalar(sbom) && !/^(?:false|0)$/i.test(String(sbom.value)))
      this.#collector.unresolved('sbom-scanner', sbom, 'write sbom: generator=IMAGE')
  }

  /** The arguments; one whose value the environment or YAML decides gets a value that is no reference. */
  #buildArgs(build: Node): ReadonlyMap<string, string> {
    const buildArgs = new Map(this.#options.buildArgs)
    const args = this.#tree.get(build, 'args')
    const take = (name: string, text: string | undefined, node: Node, prefix: string) => {
      if (name === SYNTAX_ARGUMENT) this.#readFrontend(node, prefix)
      else {
        const known = interpolate(text ?? `\${${name}}`, this.#variables)
        buildArgs.set(name, 'value' in known ? known.value : `\${${name}}`)
      }
    }
    for (const { name, key, value } of this.#entries(args)) take(name, plainText(value), value ?? key, '')
    for (const item of this.#items(args)) {
      const [, name = '', value] = /^([^=]+)(?:=(.*))?$/s.exec(this.#tree.text(item) ?? '') ?? []
      if (name.includes('$')) this.#collector.problem(item, 'a variable decides which argument this is: write its name out')
      else if (name !== '') take(name, value, item, `${name}=`)
    }
    return buildArgs
  }

  #readFrontend(node: Node, prefix: string): void {
    const text = this.#tree.text(node) ?? ''
    if (text.length > prefix.length) this.#add('frontend', node, undefined, prefix)
    else this.#collector.unresolved('frontend', node, 'the environment decides which frontend reads the Dockerfile')
    if (!isDockerfileFrontend(text.slice(prefix.length))) this.#collector.problem(node, OTHER_FRONTEND)
  }

  #readInline(inline: Node, contexts: ReadonlySet<string>, buildArgs: ReadonlyMap<string, string>): void {
    this.#inlineCharacters += this.#tree.text(inline)?.length ?? 0
    if (this.#inlineCharacters > MAX_DOCKERFILE_CHARACTERS) {
      const reason = `Dockerfiles of more than ${MAX_DOCKERFILE_CHARACTERS} characters in all`
      throw this.#tree.source.tooLarge(inline.range?.[0] ?? 0, reason)
    }
    const file = embeddedDockerfile(this.#tree.source, inline)
    if ('reason' in file) {
      this.#collector.problem(inline, file.reason)
      return
    }
    const { uses, problems } = findInDockerfile(file, { ...this.#options, contexts, buildArgs })
    this.#collector.addAll(uses, problems)
  }

  #add(kind: ImageUseKind, node: Node, platform?: string, prefix = ''): void {
    const scalar = this.#collector.read(kind, node)
    if (scalar === undefined) return
    const text = scalar.value.slice(prefix.length)
    const end = scalar.value.length
    const span = partSpan(scalar, prefix.length, end)
    const known = interpolate(text, this.#variables)
    const [from, to] = wholeDefault(text, this.#variables) ?? (text.includes('$') ? [] : [0, text.length])
    const slot = from === undefined || to === undefined ? undefined : scalarSlot(scalar, prefix.length + from, prefix.length + to)
    this.#collector.addResolved(
      kind,
      'reason' in known
        ? { span, reason: known.reason }
        : { span, value: known.value, slot, ...(from === undefined ? { reason: NO_DOLLAR } : {}) },
      { platform },
    )
  }
}

/** The text of a value that YAML and its readers write in the same way; undefined for floats, null and the like. */
function plainText(node: Node | undefined): string | undefined {
  if (!isScalar(node)) return undefined
  if (typeof node.value === 'string' || typeof node.value === 'boolean') return String(node.value)
  return /^(?:0|[1-9][0-9]{0,14})$/.test(node.source ?? '') ? node.source : undefined
}
