/** The option `mirrors`, read, together with the mirrors of the policy. Loaded only when the option is given. */
import { Faults } from '../../document/faults.js'
import { UsageError } from '../../errors.js'
import { type Mirror, MirrorsReader } from '../../policy/mirrors.js'
import { givenDocument } from './given-document.js'

/** @throws UsageError ERR_SETTINGS_INVALID, also when option and policy give one mirror two names */
export function readMirrors(option: object, ofPolicy: readonly Mirror[]): readonly Mirror[] {
  const faults = new Faults('mirrors', 'option mirrors')
  const own = new MirrorsReader(faults).read(givenDocument(option, 'option mirrors', faults))
  if (faults.any) throw faults.error()
  const others = new Map(ofPolicy.map(({ from, to }) => [from, to]))
  for (const { from, to } of own) {
    const other = others.get(from) ?? to
    if (other !== to)
      throw new UsageError(
        'ERR_SETTINGS_INVALID',
        `option mirrors: images of ${from} are signed as ${to}, and by the policy as ${other}`,
        {
          hint: `Name ${from} in one of them.`,
        },
      )
    others.set(from, to)
  }
  return [...others].map(([from, to]) => ({ from, to }))
}
