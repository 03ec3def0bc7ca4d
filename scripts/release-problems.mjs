// The problems that prevent a release.

/** Lists the problems in words; the list is empty if there are none. */
export function releaseProblems({ manifest, changelog, changes, tags }) {
  const { version, repository } = manifest
  const [, date] = new RegExp(`^## \\[${version.replaceAll('.', '\\.')}\\] - (\\S+)$`, 'm').exec(changelog) ?? []
  const unreleased = /^## \[Unreleased\]\n(.*?)(?=^## \[)/ms.exec(changelog)?.[1] ?? ''
  const url = typeof repository === 'string' ? repository : repository?.url
  return [
    ...(changes.trim() === '' ? [] : ['there are changes that are not committed']),
    ...(date === undefined ? [`CHANGELOG.md has no "## [${version}] - DATE"`] : []),
    ...(unreleased.trim() === '' ? [] : ['CHANGELOG.md has entries under "Unreleased": move them under the version']),
    ...(tags.includes(`v${version}`) ? [] : [`this commit is not tagged v${version}`]),
    ...(url === undefined ? ['package.json has no "repository": npm compares provenance with it'] : []),
  ]
}

/** True if npm can prove where the package was built: GitHub Actions with `id-token: write`, and GitLab CI with an ID token for sigstore. */
export function canProveProvenance(env) {
  return Boolean(env.ACTIONS_ID_TOKEN_REQUEST_URL || (env.GITLAB_CI && env.SIGSTORE_ID_TOKEN))
}
