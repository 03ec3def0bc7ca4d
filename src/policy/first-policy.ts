/** The policy that `dct policy init` prints: it enforces the images that are named, and reports what fails of all others. */

/** YAML. `names`: registry and repository in full spelling, one for each rule. */
export function firstPolicy(names: readonly string[]): string {
  const rules = [...new Set(names)].sort()
  return [
    '# Which images must be signed. The fields: docs/guides/policy.md of docker-content-trust.',
    'version: 1',
    '',
    '# For images that no rule matches. warn lets them pass and reports what fails; later write enforce or deny here.',
    'default: { action: warn }',
    '',
    rules.length === 0 ? 'rules: []' : 'rules:',
    // A text in JSON is one in YAML too, whatever is in it.
    ...rules.map((name) => `  - match: ${JSON.stringify(name)}`),
    '',
    '# Examples of further rules:',
    '#   - match: registry.example/team/**               # every repository below team must be signed',
    '#   - match: registry.example/release/*',
    '#     requireSigners: { all: [alice] }              # and alice must have signed it',
    '#   - match: registry.example/legacy/**',
    '#     action: skip                                  # nothing is asked: say here why',
    '',
  ].join('\n')
}
