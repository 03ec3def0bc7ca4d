/** Which kind of file something is. */
import { isMap } from 'yaml'
import type { FileFormat } from './image-use.js'
import { isJsonPatch } from './kustomization.js'
import type { YamlTree } from './yaml-tree.js'

/** The kinds of files that are YAML. */
export type YamlFormat = Exclude<FileFormat, 'dockerfile'>

/** In any case, since some file systems do not tell cases apart, and docker takes `dockerfile` too; but not `dockerfile.ts`. */
const NAMES: readonly (readonly [RegExp, FileFormat])[] = [
  [/(?:^|\/)(?:Dockerfile|Containerfile)(?:\.(?!dockerignore$)[^/]*|[-_][^/.]*)?$/, 'dockerfile'],
  [/(?:^|\/|\.)(?:docker|container)file$/i, 'dockerfile'],
  [/(?:^|\/)(?:docker-|container-|podman-)?compose(?:[.\-_][^/]*)?\.(?:ya?ml|json)$/i, 'compose'],
  [/(?:^|\/)(?:kustomization\.ya?ml|Kustomization)$/i, 'kustomization'],
  [/(?:^|\/)\.github\/workflows\/[^/]+\.ya?ml$|(?:^|\/)action\.ya?ml$/i, 'github'],
  [/(?:^|\/|\.)\.?gitlab-ci\.ya?ml$/i, 'gitlab'],
  [/(?:^|\/)\.circleci\/[^/]+\.ya?ml$/i, 'circleci'],
  [/(?:^|\/)\.(?:woodpecker|drone)\.ya?ml$|(?:^|\/)\.woodpecker\/[^/]+\.ya?ml$/i, 'woodpecker'],
]

/** By the name alone. */
export function formatOfName(path: string): FileFormat | undefined {
  return NAMES.find(([pattern]) => pattern.test(path.replaceAll('\\', '/')))?.[1]
}

/** True for the settings of a development container, whose format is not read. */
export function isDevcontainer(path: string): boolean {
  return /(?:^|\/)\.?devcontainer\.json$/.test(path)
}

/** By what the first document that says it has at its top. */
export function formatOfContent(trees: readonly YamlTree[]): YamlFormat | undefined {
  for (const tree of trees) {
    const [format] = formatsOfDocument(tree)
    if (format !== undefined) return format
  }
  return undefined
}

/** By what one document has at its top; several when programs of several kinds would take it. */
export function formatsOfDocument(tree: YamlTree): readonly YamlFormat[] {
  const kind = tree.text(tree.get(tree.root, 'kind'))
  const version = tree.text(tree.get(tree.root, 'apiVersion'))
  const isKustomization =
    kind === 'Kustomization' || version?.startsWith('kustomize.config.k8s.io/') === true || isJsonPatch(tree)
  const isGithub = isMap(tree.get(tree.root, 'jobs')) && tree.entries(tree.root).has('on')
  return [
    ...(isKustomization ? (['kustomization'] as const) : []),
    ...(kind !== undefined && version !== undefined ? (['kubernetes'] as const) : []),
    ...(isMap(tree.get(tree.root, 'services')) ? (['compose'] as const) : []),
    ...(isGithub ? (['github'] as const) : []),
  ]
}
