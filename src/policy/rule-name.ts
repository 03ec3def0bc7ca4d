/** How messages name the rule that decides. `match`: its pattern, `default`, or `none` where no rule matches and there is no default. */
export function ruleName(match: string): string {
  if (match === 'none') return 'no rule'
  return match === 'default' ? 'the default' : `the rule ${match}`
}
