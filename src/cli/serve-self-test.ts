/** `dct serve self-test` */
import { parseReference } from '../reference/reference.js'
import type { HostEngine } from '../tasks/engine-hosts.js'
import { filesFault } from '../tasks/hosts-faults.js'
import { storeFault, type Trial, tryPull } from '../tasks/hosts-self-test.js'
import type { Io } from './io.js'
import type { CommandLine } from './options.js'
import { Speaker } from './output.js'
import { engineChoice, invalid } from './serve-options.js'

/** The engine refuses; it does not; it could not be asked. */
const STATUS = { refused: 0, open: 1, unknown: 5 } as const

/** What no file of the engine can reach. */
const BEYOND: readonly string[] = [
  'images by digest (name@sha256:...)',
  'images that the engine has already',
  'the registry under another name or address, and other registries',
]

const BEYOND_ENGINE: Readonly<Record<HostEngine, string>> = {
  containerd: 'ctr and nerdctl without --hosts-dir, and Kubernetes while config_path of containerd names another folder',
  docker: 'an Engine with the old image store, which does not read these files, and builders in containers (docker buildx)',
  podman:
    'users with a registries.conf or registries.conf.d of their own in ~/.config/containers, and CONTAINERS_REGISTRIES_CONF',
  crio: 'other engines on this machine',
}

/** Where to look when the engine pulled. */
const LOOK: Readonly<Record<HostEngine, string>> = {
  containerd: 'If not, and crictl pulled it: does config_path name the folder certs.d? containerd config dump | grep config_path',
  docker: 'If not, look at the log of the Engine: journalctl --unit docker',
  podman: 'If not, look for other files with [[registry]]: ls ~/.config/containers /etc/containers/registries.conf.d',
  crio: 'If not, look for other files with [[registry]]: ls /etc/containers/registries.conf.d',
}

/** The exit status. */
export async function serveSelfTest(line: CommandLine, io: Io): Promise<number> {
  const { values } = line
  const choice = engineChoice(line, 'serve self-test')
  const { engine, folder, resolver } = choice
  const { unsigned, signed } = values
  if (unsigned === undefined)
    throw invalid(
      'dct serve self-test needs --unsigned REFERENCE',
      'Name a tag that is in the registry and that nobody signed. Push one: docker push registry.example/team/app:unsigned',
    )
  const speaker = new Speaker(io, line)
  const test = { ...choice, env: io.env, signal: io.signal }
  const fault = await filesFault(engine, parseReference(unsigned).domain, folder, resolver)
  if (fault !== undefined) {
    speaker.always(`error: ${fault.file}: ${fault.fault}`)
    speaker.note(`hint: Write it anew: dct serve hosts --engine ${engine} --registry ${parseReference(unsigned).domain}`)
  }
  const oldStore = await storeFault(test)
  if (oldStore !== undefined) {
    speaker.always(`error: ${oldStore}`)
    speaker.note('hint: The daemon.json of an Engine with the other one has: {"features": {"containerd-snapshotter": true}}')
    return STATUS.open
  }
  const statuses: number[] = fault === undefined ? [] : [STATUS.open]
  for (const trial of await tryPull(unsigned, test)) statuses.push(tellUnsigned(trial, engine, speaker))
  if (signed !== undefined) for (const trial of await tryPull(signed, test)) statuses.push(tellSigned(trial, speaker))
  const status = [STATUS.open, STATUS.unknown].find((one) => statuses.includes(one)) ?? STATUS.refused
  if (status === STATUS.refused) {
    speaker.note('not reached, whatever the files say:')
    for (const one of [...BEYOND, BEYOND_ENGINE[engine]]) speaker.note(`  ${one}`)
  }
  return status
}

function tellUnsigned(trial: Trial, engine: HostEngine, speaker: Speaker): number {
  const { program, image, outcome } = trial
  if (outcome === 'refused') {
    speaker.answer(`${program}: ${image} is refused`)
    return STATUS.refused
  }
  if (outcome === 'unknown') return tellUnknown(trial, speaker)
  speaker.always(`error: ${program} pulled ${image}: it did not ask dct serve, or the tag is signed`)
  tellLeft(trial, speaker)
  speaker.note(`hint: Is it signed? dct verify ${image}. ${LOOK[engine]}`)
  return STATUS.open
}

function tellSigned(trial: Trial, speaker: Speaker): number {
  const { program, image, outcome } = trial
  if (outcome === 'pulled') {
    speaker.answer(`${program}: ${image} is pulled`)
    tellLeft(trial, speaker)
    return STATUS.refused
  }
  return tellUnknown(outcome === 'refused' ? { ...trial, reason: 'dct serve refuses it' } : trial, speaker)
}

function tellUnknown({ program, image, reason, output }: Trial, speaker: Speaker): number {
  speaker.always(`error: ${program} could not try ${image}: ${reason}`)
  for (const text of output.split('\n').filter((one) => one !== '')) speaker.note(`  ${text}`)
  const socket = program === 'ctr' ? ' For containerd at another socket: export CONTAINERD_ADDRESS=SOCKET' : ''
  speaker.note(`hint: See whether dct serve runs and what it printed, and whether the engine trusts its certificate.${socket}`)
  return STATUS.unknown
}

function tellLeft({ left }: Trial, speaker: Speaker): void {
  if (left !== undefined) speaker.always(`warning: the image could not be removed; remove it: ${left}`)
}
