/**
 * A program that stands in for docker with buildx, where there is no BuildKit: it reads the FROM lines of the Dockerfile and judges them
 * by the policy with the evaluator of test/formats/source-policy.ts. It writes down each run in the file LOG, as JSON.
 *
 * Environment: NO_BUILDX; OPTIONS (of the builder); IGNORES_POLICIES; BUILDKIT (the version, `-` for a builder that has not started); ENDS_WITH (exit status); WAITS; SILENT; HIDDEN (one more image of a build).
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
export const BUILD_HELP = `Options:
      --attest stringArray            Attestation parameters
      --build-arg stringArray         Set build-time variables
      --build-context stringArray     Additional build contexts
      --builder string                Override the configured builder instance
      --cache-from stringArray        External cache sources
  -f, --file string                   Name of the Dockerfile
      --mount mount                   Attach a filesystem mount to the container
      --no-cache                      Do not use cache
      --platform stringArray          Set target platform for build
      --progress string               Set type of progress output
  -q, --quiet                         Suppress the build output
      --sbom string                   Shorthand for "--attest=type=sbom"
  -t, --tag stringArray               Name and optionally a tag
      --target string                 Set the target build stage
`

/** Answers what is asked about docker; builds are Node's. */
const PROGRAM = `#!/bin/sh
for word; do [ "$word" = --help ] && { cat 'FOLDER/help'; exit; }; done
case "$*" in
  "buildx version") [ -n "$NO_BUILDX" ] && exit 1; echo github.com/docker/buildx v0.11.0; exit ;;
  "context show") echo default; exit ;;
  "buildx inspect"*)
    printf 'Name: %s\nDriver: docker\n\nNodes:\nName: x\nEndpoint: default\nDriver Options: %s\nStatus: running\n' "\${3:-default}" "$OPTIONS"
    [ "$BUILDKIT" = - ] || echo "BuildKit version: \${BUILDKIT:-v0.13.0}"
    exit ;;
  "image inspect --format"*) echo null; exit ;;
  "image inspect"*|tag*|pull*|run*|create*) exit 0 ;;
esac
exec 'NODE' 'FOLDER/docker.mjs' "$@"
`

const BUILD = `
import { appendFileSync, readFileSync, statSync } from 'node:fs'
import { judge } from './evaluator.mjs'

const args = process.argv.slice(2)
const { env } = process
const say = (text) => env.SILENT || console.log(text)
const path = env.EXPERIMENTAL_BUILDKIT_SOURCE_POLICY
const policy = path && { path, mode: (statSync(path).mode & 0o777).toString(8), text: readFileSync(path, 'utf8') }
const dockerfile = readFileSync(fileOf(), 'utf8')
if (env.LOG) appendFileSync(env.LOG, JSON.stringify({ args, policy, dockerfile, trust: env.DOCKER_CONTENT_TRUST }) + '\\n')

function fileOf() {
  const at = args.findLastIndex((word) => word === '-f' || word.startsWith('--file='))
  const named = at < 0 ? undefined : args[at] === '-f' ? args[at + 1] : args[at].slice('--file='.length)
  return named === '-' || args.at(-1) === '-' ? 0 : (named ?? args.at(-1) + '/Dockerfile')
}

function build() {
  const stages = new Set([...dockerfile.matchAll(/ AS (\\S+)$/gm)].map(([, name]) => name))
  const images = [...dockerfile.matchAll(/^FROM (\\S+)/gm)].flatMap(([, image]) => (stages.has(image) ? [] : [image]))
  for (const image of [...images, ...(env.HIDDEN && !dockerfile.includes('.invalid/') ? [env.HIDDEN] : [])]) {
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
    say('built from ' + identifier.replace('docker-image://', ''))
  }
  return Number(env.ENDS_WITH ?? 0)
}

if (env.WAITS && !dockerfile.includes('.invalid/')) {
  process.on('SIGTERM', () => process.exit(9)).on('SIGINT', () => process.exit(10))
  say('building')
  setInterval(() => undefined, 1000)
} else process.exitCode = build()
`

/** Writes the program `docker` into a folder. */
export async function writeStandInDocker(folder: string): Promise<void> {
  const evaluator = ts.transpileModule(readFileSync(EVALUATOR, 'utf8'), {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
  }).outputText
  await writeFile(join(folder, 'evaluator.mjs'), evaluator)
  await writeFile(join(folder, 'docker.mjs'), BUILD)
  await writeFile(join(folder, 'help'), BUILD_HELP)
  const program = PROGRAM.replaceAll('FOLDER', folder).replace('NODE', process.execPath)
  await writeFile(join(folder, 'docker'), program, { mode: 0o755 })
}
