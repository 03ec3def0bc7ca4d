/** The door of this room for reading: a text becomes the uses of images in it. */
import { findInCircleci, findInGithub, findInGitlab, findInWoodpecker } from './ci.js'
import { findInCompose } from './compose.js'
import { findInDockerfile } from './dockerfile.js'
import { formatOfContent, formatOfName, formatsOfDocument, isDevcontainer, type YamlFormat } from './format.js'
import { ImageCollector } from './found-images.js'
import { ignoredLines } from './ignored-lines.js'
import type { FileFormat, FindOptions, FoundImages } from './image-use.js'
import { findInKubernetes } from './kubernetes.js'
import { findInKustomization } from './kustomization.js'
import { SourceText } from './source-text.js'
import { parseYaml, type YamlFile } from './yaml-source.js'
import type { YamlTree } from './yaml-tree.js'

const READERS: Readonly<Record<YamlFormat, (tree: YamlTree, collector: ImageCollector, options: FindOptions) => void>> = {
  compose: findInCompose,
  kubernetes: findInKubernetes,
  kustomization: findInKustomization,
  github: findInGithub,
  gitlab: findInGitlab,
  circleci: findInCircleci,
  woodpecker: findInWoodpecker,
}

/**
 * Finds every image that a file names. `path` is for messages and for the kind of the file; nothing is read there.
 *
 * @throws UsageError ERR_SETTINGS_INVALID, with `path:line:column`: the file is broken, too large, or of no known kind
 */
export function findImageUses(path: string, text: string, options: FindOptions = {}): FoundImages {
  const source = new SourceText(path, text)
  const named = options.format ?? formatOfName(path)
  if (named === 'dockerfile') return findInFile(source, options)
  if (named === undefined && isDevcontainer(path)) {
    throw source.broken(source.start, 'devcontainer files are not read', 'Name the Dockerfile or the Compose file that it uses.')
  }
  const file = parseYaml(source)
  const format = named ?? formatOfContent(file.trees)
  if (format !== undefined) return findInTrees(source, file, format, options)
  throw source.broken(
    source.start,
    'not a file that is known to name images',
    'Name Dockerfiles, Compose files, Kubernetes manifests, kustomizations or CI files. A Dockerfile is known by its name: Dockerfile, app.dockerfile. A list of references, one a line, goes to standard input: dct verify - < FILE',
  )
}

/**
 * The kind of a file by its name, else by its content; undefined when it is none that is known. For folders, where other
 * files are passed over.
 *
 * @throws UsageError ERR_SETTINGS_INVALID when the name leaves it open and the content is not YAML
 */
export function detectFormat(path: string, text: string): FileFormat | undefined {
  const named = formatOfName(path)
  if (named !== undefined || !/(?:^-|\.(?:ya?ml|json))$/.test(path)) return named
  return formatOfContent(parseYaml(new SourceText(path, text)).trees)
}

function findInFile(source: SourceText, options: FindOptions): FoundImages {
  const { uses, problems } = findInDockerfile({ source, text: source.text, toSource: (offset) => offset }, options)
  return { format: 'dockerfile', uses: [...uses].sort((a, b) => a.place.start - b.place.start), skipped: [], problems }
}

/** A document is read as what the file is, and as what it says of itself: a name must not hide what kubectl would apply. */
function findInTrees(source: SourceText, file: YamlFile, format: YamlFormat, options: FindOptions): FoundImages {
  const collector = new ImageCollector(source, ignoredLines(source, file.comments), file.shared)
  for (const tree of file.trees) {
    const formats = new Set([format, ...(options.format === undefined ? formatsOfDocument(tree) : [])])
    for (const one of formats) READERS[one](tree, collector, options)
  }
  return collector.found(format)
}
