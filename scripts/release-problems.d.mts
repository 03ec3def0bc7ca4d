/** See release-problems.mjs. */
export interface ReleaseState {
  /** package.json */
  readonly manifest: { readonly version: string; readonly repository?: string | { readonly url?: string } }
  /** CHANGELOG.md */
  readonly changelog: string
  /** What `git status --porcelain` says. */
  readonly changes: string
  /** Of the commit that is checked out. */
  readonly tags: readonly string[]
}
export function releaseProblems(state: ReleaseState): string[]
export function canProveProvenance(env: Readonly<Record<string, string | undefined>>): boolean
