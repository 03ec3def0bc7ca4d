/** Which kind of file something is. */
import { isMap } from 'yaml'
import type { FileFormat } from './image-use.js'
import type { YamlTree } from './yaml-tree.js'

type YamlFormat = Exclude<FileFormat, 'dockerfile'>

const NAMES: readonly (readonly [RegExp, FileFormat])[] = [
  [/(?:^|\/)(?:Dockerfile|Containerfile)(?:\.(?!dockerignore$)[^/]*)?$|\.[Dd]ockerfile$|\.[Cc]ontainerfile$/, 'dockerfile'],
  [/(?:^|\/)(?:docker-|container-|podman-)?compose(?:[.\-_][^/]*)?\.(?:ya?ml|json)$/, 'compose'],
  [/(?:^|\/)(?:kustomization\.ya?ml|Kustomization)$/, 'kustomization'],
  [/(?:^|\/)\.github\/workflows\/[^/]+\.ya?ml$|(?:^|\/)action\.ya?ml$/, 'github'],
  [/(?:^|\/|\.)\.?gitlab-ci\.ya?ml$/, 'gitlab'],
  [/(?:^|\/)\.circleci\/[^/]+\.ya?ml$/, 'circleci'],
  [/(?:^|\/)\.(?:woodpecker|drone)\.ya?ml$|(?:^|\/)\.woodpecker\/[^/]+\.ya?ml$/, 'woodpecker'],
]

/** By the name alone. */
export function formatOfName(path: string): FileFormat | undefined {
  return NAMES.find(([pattern]) => pattern.test(path.replaceAll('\\', '/')))?.[1]
}

/** By what the first document that says it has at its top. */
export function formatOfContent(trees: readonly YamlTree[]): YamlFormat | undefined {
  for (const tree of trees) {
    const kind = tree.text(tree.get(tree.root, 'kind'))
    const version = tree.text(tree.get(tree.root, 'apiVersion'))
    if (version?.startsWith('kustomize.config.k8s.io/') || kind === 'Kustomization') return 'kustomization'
    if (kind !== undefined && version !== undefined) return 'kubernetes'
    if (isMap(tree.get(tree.root, 'services'))) return 'compose'
    if (isMap(tree.get(tree.root, 'jobs')) && tree.entries(tree.root).has('on')) return 'github'
  }
  return undefined
}
