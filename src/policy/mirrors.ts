/** Names under which images are pulled, and the names under which they are signed. */
import type { DocumentNode } from '../document/document.js'
import { DocumentReader } from '../document/reader.js'
import { isPathComponent } from '../reference/reference.js'
import { canonicalHost, canonicalName, completedHubName, hubName } from './names.js'

/** Mirrors (denial of service: each is compared with each name). */
const MAX_MIRRORS = 1000

/** Both end at a `/`. */
export interface Mirror {
  /** Where images are pulled from: `mirror.example/`, `registry.example/hub/`. */
  readonly from: string
  /** In whose name they are signed: `docker.io/`. */
  readonly to: string
}

/** The name under which a collection is signed: the longest mirror decides, and its answer is not looked up again. */
export function signedNameOf(mirrors: readonly Mirror[], gun: string): string | undefined {
  const name = canonicalName(gun)
  let longest: Mirror | undefined
  for (const mirror of mirrors)
    if (name.startsWith(mirror.from) && mirror.from.length > (longest?.from.length ?? 0)) longest = mirror
  return longest === undefined ? undefined : completedHubName(longest.to + name.slice(longest.from.length))
}

/** Reads the member `mirrors` of a policy, and the option of that name. */
export class MirrorsReader extends DocumentReader {
  read(node: DocumentNode): Mirror[] {
    const mirrors: Mirror[] = []
    const members = this.members(node, 'an object: mirror to signed name') ?? new Map()
    if (members.size > MAX_MIRRORS) this.refuse(node, `more than ${MAX_MIRRORS} mirrors`, 'Name registries instead of paths.')
    for (const [name, { place, value }] of members) {
      const from = readMirrorName(name)
      if ('problem' in from) this.refuse({ path: node.path, place }, from.problem, from.hint)
      const text = this.text(value, 'the registry in whose name the images are signed')
      const to = text === undefined ? undefined : readMirrorName(text)
      if (to !== undefined && 'problem' in to) this.refuse(value, to.problem, to.hint)
      if (to === undefined || 'problem' in from || 'problem' in to) continue
      if (from.prefix === to.prefix)
        this.refuse(value, 'a mirror of itself', 'Write the registry in whose name the images are signed.')
      else if (hubName(to.prefix) !== undefined)
        this.refuse(
          value,
          `no image is signed in the name of ${text}`,
          'Images of Docker Hub are signed as docker.io: write docker.io.',
        )
      else if (mirrors.some((mirror) => mirror.from === from.prefix))
        this.refuse({ path: node.path, place }, `${from.prefix} is named twice`, 'Name each mirror once.')
      else mirrors.push({ from: from.prefix, to: to.prefix })
    }
    return mirrors
  }
}

/** `registry` or `registry/path/` in the spelling that names are compared in, with a `/` at its end; or what to write. */
function readMirrorName(text: string): { readonly prefix: string } | { readonly problem: string; readonly hint: string } {
  const [host = '', ...path] = text.split('/')
  const plain = host.toLowerCase() === 'index.docker.io' ? 'docker.io' : canonicalHost(host)
  if (!/[.:[]|^localhost$/i.test(host) || !/^[\x21-\x7e]+$/.test(text) || /[*@]/.test(text))
    return {
      problem: `${JSON.stringify(text.slice(0, 100))} names no registry`,
      hint: 'Write a registry, or a path that ends at a slash: registry.example/hub/',
    }
  if (plain !== host)
    return {
      problem: `${JSON.stringify(host)} is not the spelling that hosts are compared in`,
      hint: `Write ${[plain, ...path].join('/')}`,
    }
  if (path.length === 0) return { prefix: `${text}/` }
  const inner = path.slice(0, -1)
  if (path.at(-1) !== '') return { problem: 'a path must end at a slash', hint: `Write ${text}/` }
  if (inner.every(isPathComponent)) return { prefix: text }
  return {
    problem: `${JSON.stringify(text.slice(0, 100))} holds a segment that no image name has`,
    hint: 'Write lower-case segments, none of them empty.',
  }
}
