/** What is found in a file: each place that names an image, what it means, and where a digest can be written. */

/** Part of a text: UTF-16 offsets into the text as given. A byte-order mark at the start counts as one. */
export interface Span {
  readonly start: number
  /** The offset behind the last unit. */
  readonly end: number
}

/** A span that people can look up. */
export interface Place extends Span {
  /** From 1; lines end with a line feed. */
  readonly line: number
  /** From 1, in UTF-16 units, as editors and SARIF count. A byte-order mark does not count. */
  readonly column: number
}

/** The kinds of files that are read. */
export type FileFormat =
  | 'dockerfile'
  | 'compose'
  | 'kubernetes'
  | 'kustomization'
  | 'github'
  | 'gitlab'
  | 'circleci'
  | 'woodpecker'

/** What an image is used for. */
export type ImageUseKind =
  | 'from'
  | 'copy-from'
  | 'mount-from'
  | 'frontend'
  | 'compose-image'
  | 'build-context'
  | 'sbom-scanner'
  | 'container'
  | 'init-container'
  | 'ephemeral-container'
  | 'image-volume'
  | 'kustomize-image'
  | 'ci-container'
  | 'ci-service'
  | 'ci-action'
  | 'given-path'

/** Where a pinned reference is written: `before`, then the reference or its digest, then `after`, in place of the span. */
export interface Slot extends Span {
  readonly holds: 'reference' | 'digest'
  readonly before: string
  readonly after: string
}

/** One use of an image. `reason` is there exactly when `reference` or `slot` is missing. */
export interface ImageUse {
  readonly kind: ImageUseKind
  /** Where the reference is written; of a reference through a variable, the place of the variable. */
  readonly place: Place
  /** The text at that place. */
  readonly written: string
  /** The image that is meant, as a valid reference; absent when that cannot be known from the file alone. */
  readonly reference?: string
  /** Where its digest can be written; absent when the file has no place for one. */
  readonly slot?: Slot
  /** Why the reference is not known, or why a digest cannot be written. */
  readonly reason?: string
  /** As given by `--platform` or `platform:`, variables replaced where they are known. */
  readonly platform?: string
  /** True when a comment `dct:ignore` is on the same line or on the line above. */
  readonly ignored: boolean
}

/** A place and what there is to say of it. */
export interface Remark {
  readonly place: Place
  readonly reason: string
  /** What is skipped may bring an unverified image: commands say it as a warning. */
  readonly isRisk?: boolean
}

/** Everything found in one file. */
export interface FoundImages {
  readonly format: FileFormat
  /** In the order of their places. */
  readonly uses: readonly ImageUse[]
  /** Names of images that are not verified: built here, or described in another file. */
  readonly skipped: readonly Remark[]
  /** What is not understood or not allowed there. A gate must not pass a file that has problems. */
  readonly problems: readonly Remark[]
}

/** What is known besides the text. */
export interface FindOptions {
  /** Overrides what name and content say. */
  readonly format?: FileFormat
  /** `--build-arg NAME=VALUE` of a Dockerfile. */
  readonly buildArgs?: ReadonlyMap<string, string>
  /** `--build-context NAME=...`: names that are not images. */
  readonly contexts?: ReadonlySet<string>
  /** `--platform`: gives TARGETPLATFORM, TARGETOS and TARGETARCH their values. */
  readonly platform?: string
  /** Variables of a Compose file, as its environment or `.env` gives them. */
  readonly variables?: ReadonlyMap<string, string>
  /** Further places in Kubernetes manifests: `$.spec.imageName`, `$.spec.items[*].image`. */
  readonly paths?: readonly string[]
}
