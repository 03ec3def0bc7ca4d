/** Images of builds in Compose files: compose-spec build.md. */
import { isScalar, type Node } from 'yaml'
import { buildCacheType } from '../build-cache.js'
import { embeddedDockerfile } from './compose-dockerfile.js'
import type { ComposeValues } from './compose-values.js'
import { findInDockerfile } from './dockerfile.js'
import { isDockerfileFrontend, OTHER_FRONTEND, SYNTAX_ARGUMENT } from './dockerfile-syntax.js'
import type { ImageCollector } from './found-images.js'
import type { FindOptions } from './image-use.js'
import { MAX_DOCKERFILE_CHARACTERS } from './limits.js'
import type { YamlTree } from './yaml-tree.js'

const IMAGE_CONTEXT = 'docker-image://'
const GENERATOR = 'generator='

/** Reads the builds of one document. */
export class ComposeBuilds {
  readonly #values: ComposeValues
  readonly #tree: YamlTree
  readonly #collector: ImageCollector
  readonly #options: FindOptions
  /** An alias may bring the same Dockerfile again. */
  #inlineCharacters = 0

  constructor(values: ComposeValues) {
    this.#values = values
    this.#tree = values.tree
    this.#collector = values.collector
    this.#options = values.options
  }

  /** Finds the images of one build. @throws UsageError ERR_SETTINGS_INVALID for a file that is too large */
  read(build: Node): void {
    const contexts = new Set<string>(this.#options.contexts)
    const given = this.#tree.get(build, 'additional_contexts')
    for (const { name, value } of this.#values.entries(given)) {
      if (value !== undefined) this.#readContext(value, contexts, name)
    }
    for (const item of this.#values.items(given)) this.#readContext(item, contexts)
    for (const cache of this.#values.items(this.#tree.get(build, 'cache_from'))) this.#readCache(cache)
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
    const known = this.#values.interpolate(written)
    const text = 'value' in known ? known.value : written
    const equals = key === undefined ? text.indexOf('=') : -1
    contexts.add(key ?? (equals === -1 ? text : text.slice(0, equals)))
    const source = text.slice(equals + 1)
    const prefix = `${key === undefined ? text.slice(0, equals + 1) : ''}${IMAGE_CONTEXT}`
    if (written.startsWith(prefix)) this.#values.add('build-context', node, undefined, prefix)
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
    if (this.#tree.text(sbom)?.startsWith(GENERATOR)) this.#values.add('sbom-scanner', sbom, undefined, GENERATOR)
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
        const known = this.#values.interpolate(text ?? `\${${name}}`)
        buildArgs.set(name, 'value' in known ? known.value : `\${${name}}`)
      }
    }
    for (const { name, key, value } of this.#values.entries(args)) take(name, plainText(value), value ?? key, '')
    for (const item of this.#values.items(args)) {
      const [, name = '', value] = /^([^=]+)(?:=(.*))?$/s.exec(this.#tree.text(item) ?? '') ?? []
      if (name.includes('$')) this.#collector.problem(item, 'a variable decides which argument this is: write its name out')
      else if (name !== '') take(name, value, item, `${name}=`)
    }
    return buildArgs
  }

  #readFrontend(node: Node, prefix: string): void {
    const text = this.#tree.text(node) ?? ''
    if (text.length > prefix.length) this.#values.add('frontend', node, undefined, prefix)
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
}

/** The text of a value that YAML and its readers write in the same way; undefined for floats, null and the like. */
function plainText(node: Node | undefined): string | undefined {
  if (!isScalar(node)) return undefined
  if (typeof node.value === 'string' || typeof node.value === 'boolean') return String(node.value)
  return /^(?:0|[1-9][0-9]{0,14})$/.test(node.source ?? '') ? node.source : undefined
}
