/**
 * A program that stands in for docker with buildx, where there is no BuildKit: it reads the FROM lines of the Dockerfile and judges them
 * by the policy with the evaluator of test/formats/source-policy.ts. It writes down each run in the file LOG, as JSON.
 *
 * Environment: NO_BUILDX; IGNORES_POLICIES; BUILDKIT (the version, `-` for a builder that has not started); ENDS_WITH (exit status); WAITS.
 */
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

/** One run of the program. */
export interface DockerRun {
  readonly args: readonly string[]
  /** The policy file: its path, mode, and content. */
  readonly policy?: { readonly path: string; readonly mode: string; readonly text: string }
  /** The Dockerfile of a build. */
  readonly dockerfile?: string
  readonly trust?: string
}

const EVALUATOR = fileURLToPath(new URL('../formats/source-policy.ts', import.meta.url))

/** `docker buildx build --help` and `docker build --help`, as much of it as matters here. */
const HELP = `Options:
      --attest stringArray            Attestation parameters
      --build-arg stringArray         Set build-time variables
      --build-context stringArray     Additional build contexts
      --builder string                Override the configured builder instance
      --cache-from stringArray        External cache sources
  -f, --file string                   Name of the Dockerfile
      --no-cache                      Do not use cache
      --platform stringArray          Set target platform for build
      --progress string               Set type of progress output
  -q, --quiet                         Suppress the build output
      --sbom string                   Shorthand for "--attest=type=sbom"
  -t, --tag stringArray               Name and optionally a tag
      --target string                 Set the target build stage
`

const PROGRAM = `
import { appendFileSync, readFileSync, statSync } from 'node:fs'
import { judge } from 'EVALUATOR_FILE'

const args = process.argv.slice(2)
const { env } = process
const path = env.EXPERIMENTAL_BUILDKIT_SOURCE_POLICY
const policy = path && { path, mode: (statSync(path).mode & 0o777).toString(8), text: readFileSync(path, 'utf8') }
const isBuild = args.includes('build') && !args.includes('--help')
const dockerfile = isBuild ? readFileSync(fileOf(args), 'utf8') : undefined
if (env.LOG) appendFileSync(env.LOG, JSON.stringify({ args, policy, dockerfile, trust: env.DOCKER_CONTENT_TRUST }) + '\\n')

function fileOf(args) {
  const at = args.findLastIndex((word) => word === '-f' || word.startsWith('--file='))
  const named = at < 0 ? undefined : args[at] === '-f' ? args[at + 1] : args[at].slice('--file='.length)
  return named === '-' || args.at(-1) === '-' ? 0 : (named ?? args.at(-1) + '/Dockerfile')
}

function build() {
  const images = [...dockerfile.matchAll(/^FROM (?:--platform=\\S+ )?(\\S+)/gm)].map(([, image]) => image)
  for (const image of images) {
    const rules = policy && !env.IGNORES_POLICIES ? JSON.parse(policy.text) : { version: 1, rules: [] }
    const { identifier, isDenied } = judge(rules, 'docker-image://' + image)
    if (isDenied) {
      console.error('ERROR: failed to solve: source ' + JSON.stringify(identifier) + ' denied by policy: source denied by policy')
      return 1
    }
    if (identifier.includes('.invalid/')) {
      console.error('ERROR: failed to solve: ' + image + ': failed to resolve source metadata: no such host')
      return 1
    }
    console.log('built from ' + identifier.replace('docker-image://', ''))
  }
  return Number(env.ENDS_WITH ?? 0)
}

const line = args.join(' ')
if (args.includes('--help')) console.log(HELP_TEXT)
else if (line === 'buildx version') {
  if (env.NO_BUILDX) process.exitCode = 1
  else console.log('github.com/docker/buildx v0.11.0')
} else if (line === 'context show') console.log('default')
else if (args[0] === 'buildx' && args[1] === 'inspect') {
  console.log('Name: ' + (args[2] ?? 'default') + '\\nDriver: docker\\n\\nNodes:\\nName: x\\nEndpoint: default\\nStatus: running')
  if (env.BUILDKIT !== '-') console.log('BuildKit version: ' + (env.BUILDKIT ?? 'v0.13.0'))
} else if (isBuild && env.WAITS && !dockerfile.includes('.invalid/')) {
  process.on('SIGTERM', () => process.exit(9)).on('SIGINT', () => process.exit(10))
  console.log('building')
  setInterval(() => undefined, 1000)
} else if (isBuild) process.exitCode = build()
else if (line.startsWith('image inspect --format')) console.log('null')
`

/** Writes the program `docker` into a folder. */
export async function writeStandInDocker(folder: string): Promise<void> {
  const evaluator = ts.transpileModule(readFileSync(EVALUATOR, 'utf8'), {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
  }).outputText
  await writeFile(join(folder, 'evaluator.mjs'), evaluator)
  const program = PROGRAM.replace('EVALUATOR_FILE', join(folder, 'evaluator.mjs')).replace('HELP_TEXT', JSON.stringify(HELP))
  await writeFile(join(folder, 'docker.mjs'), program)
  await writeFile(join(folder, 'docker'), `#!/bin/sh\nexec '${process.execPath}' '${join(folder, 'docker.mjs')}' "$@"\n`, {
    mode: 0o755,
  })
}
