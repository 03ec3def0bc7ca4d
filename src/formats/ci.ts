/** Images of CI files. Only the forms that the documents of GitHub, GitLab, CircleCI and Woodpecker (Drone) describe. */
import { isMap, isScalar, isSeq, type Node } from 'yaml'
import type { ImageCollector, UseDetails } from './found-images.js'
import type { ImageUseKind } from './image-use.js'
import type { YamlTree } from './yaml-tree.js'

const DOCKER = /^docker:\/\//i
const EXPRESSION = { mark: '${{', reason: 'an expression, whose value the runner alone knows' }
const VARIABLE = { mark: '$', reason: 'a variable, whose value the runner alone knows' }
const PARAMETER = { mark: '<<', reason: 'a parameter, whose value the runner alone knows' }

/** GitHub workflows and actions: `container`, `services`, `uses: docker://`, `runs.image`. */
export function findInGithub(tree: YamlTree, collector: ImageCollector): void {
  const { root } = tree
  for (const { value: job } of tree.entries(tree.get(root, 'jobs')).values()) {
    addImage(tree, collector, 'ci-container', tree.get(job, 'container'), 'image', EXPRESSION)
    const services = tree.get(job, 'services')
    if (isScalar(services)) collector.unresolved('ci-service', services, EXPRESSION.reason)
    for (const { value: service } of tree.entries(services).values()) {
      addImage(tree, collector, 'ci-service', service, 'image', EXPRESSION)
    }
    addSteps(tree, collector, tree.get(job, 'steps'))
  }
  const runs = tree.get(root, 'runs')
  addSteps(tree, collector, tree.get(runs, 'steps'))
  const image = tree.get(runs, 'image')
  addAction(tree, collector, image)
  if (image !== undefined && !DOCKER.test(tree.text(image) ?? ''))
    collector.skip(image, 'built from a Dockerfile: name that file too')
}

/** GitLab: `image` and `services`, at the top, in `default` and in jobs. Every map counts as a job, but for that of variables. */
export function findInGitlab(tree: YamlTree, collector: ImageCollector): void {
  const included = tree.get(tree.root, 'include')
  if (included !== undefined) collector.skip(included, 'other files describe further jobs: name those files too')
  const jobs = [...tree.entries(tree.root)].flatMap(([name, { value }]) => (name === 'variables' || !isMap(value) ? [] : [value]))
  for (const node of [tree.root, ...jobs]) {
    addImage(tree, collector, 'ci-container', tree.get(node, 'image'), 'name', VARIABLE)
    const services = tree.get(node, 'services')
    if (services?.tag === '!reference') collector.problem(services, 'a !reference: which services it means is not known here')
    else for (const service of tree.items(services)) addImage(tree, collector, 'ci-service', service, 'name', VARIABLE)
  }
}

/** CircleCI: `docker: [{image}]` of jobs and executors, those of inline orbs too. */
export function findInCircleci(tree: YamlTree, collector: ImageCollector): void {
  const holders = new Set<Node | undefined>([tree.root])
  for (const holder of holders) {
    for (const { value } of tree.entries(tree.get(holder, 'orbs')).values()) holders.add(value)
    for (const name of ['jobs', 'executors']) {
      for (const { value } of tree.entries(tree.get(holder, name)).values()) {
        for (const item of tree.items(tree.get(value, 'docker')))
          addImage(tree, collector, 'ci-container', item, 'image', PARAMETER)
      }
    }
  }
}

/** Woodpecker and Drone: `steps`, `services`, `clone`, `pipeline`, as lists or as maps. */
export function findInWoodpecker(tree: YamlTree, collector: ImageCollector): void {
  for (const name of ['steps', 'services', 'clone', 'pipeline']) {
    const steps = tree.get(tree.root, name)
    const items = isSeq(steps) ? tree.items(steps) : [...tree.entries(steps).values()].map(({ value }) => value)
    const kind = name === 'services' ? 'ci-service' : 'ci-container'
    for (const item of items) if (isMap(item)) addImage(tree, collector, kind, item, 'image', VARIABLE)
  }
}

/** An image that is a text, or a map with the image under a key. */
function addImage(
  tree: YamlTree,
  collector: ImageCollector,
  kind: ImageUseKind,
  node: Node | undefined,
  key: string,
  variables: NonNullable<UseDetails['variables']>,
): void {
  const image = isMap(node) ? tree.get(node, key) : node
  if (image === undefined || (isScalar(image) && (image.value === '' || image.value === null))) return
  const platform = isMap(node) ? tree.text(tree.get(tree.get(node, 'docker'), 'platform')) : undefined
  const [prefix] = DOCKER.exec(isScalar(image) ? String(image.value) : '') ?? []
  collector.add(kind, image, { variables, platform, ...(prefix === undefined ? {} : { prefix }) })
}

function addSteps(tree: YamlTree, collector: ImageCollector, steps: Node | undefined): void {
  for (const step of tree.items(steps)) addAction(tree, collector, tree.get(step, 'uses'))
}

function addAction(tree: YamlTree, collector: ImageCollector, node: Node | undefined): void {
  const [prefix] = DOCKER.exec(tree.text(node) ?? '') ?? []
  if (node !== undefined && prefix !== undefined) collector.add('ci-action', node, { prefix, variables: EXPRESSION })
}
