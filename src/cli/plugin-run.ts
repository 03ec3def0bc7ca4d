/** `dct plugin run ARGUMENT...`: what docker makes of `docker dct ...`. Protocol: docker/cli cli-plugins/metadata/metadata.go. */
import { readDockerOptions } from '../engine/docker-options.js'
import { readDockerWords } from '../engine/docker-words.js'
import { UsageError } from '../errors.js'
import { EXIT, type Io } from './io.js'
import type { CommandLine } from './options.js'
import { packageVersion } from './version.js'

/** docker's global options, which stand before the name of the plugin. Source: docker/cli cli/flags/options.go. */
const GLOBAL = readDockerOptions(`
      --config string
  -c, --context string
  -D, --debug
  -H, --host list
  -l, --log-level string
      --tls
      --tlscacert string
      --tlscert string
      --tlskey string
      --tlsverify
  -v, --version
`)

/** Options that hold for what runs, and the variables that say the same. */
const VARIABLES = new Map([
  ['config', 'DOCKER_CONFIG'],
  ['context', 'DOCKER_CONTEXT'],
  ['host', 'DOCKER_HOST'],
])

/** The exit status. @throws UsageError ERR_SETTINGS_INVALID for words that docker does not give */
export async function pluginRun({ words }: CommandLine, io: Io): Promise<number> {
  const [first = ''] = words
  if (first === 'docker-cli-plugin-metadata') {
    const metadata = {
      SchemaVersion: '0.1.0',
      Vendor: 'docker-content-trust',
      Version: packageVersion(),
      ShortDescription: 'Verify images with Docker Content Trust',
    }
    io.out(`${JSON.stringify(metadata)}\n`)
    return EXIT.ok
  }
  // docker asks for completions; the shell has those of dct itself.
  if (first.startsWith('__complete')) return EXIT.ok
  const { options, operands } = readDockerWords(words, GLOBAL, false)
  const tls = options.find(({ name }) => name.startsWith('tls'))
  if (tls !== undefined) {
    throw new UsageError('ERR_SETTINGS_INVALID', `docker dct: --${tls.name} is not passed on to docker`, {
      hint: 'Set the variables that say the same: export DOCKER_TLS_VERIFY=1 DOCKER_CERT_PATH=FOLDER. Or make a context: docker context create --help',
    })
  }
  const given = options.flatMap(({ name, value }) => {
    const variable = VARIABLES.get(name)
    if (variable === undefined || value === undefined) return []
    // For docker, DOCKER_HOST takes precedence over DOCKER_CONTEXT, but --context takes precedence over both.
    return variable === 'DOCKER_CONTEXT'
      ? [
          [variable, value],
          ['DOCKER_HOST', undefined],
        ]
      : [[variable, value]]
  })
  const { run } = await import('./main.js')
  return run(words.slice((operands[0] ?? words.length) + 1), { ...io, env: { ...io.env, ...Object.fromEntries(given) } })
}
