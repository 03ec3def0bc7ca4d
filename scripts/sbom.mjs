// npm run sbom -- [FILE]: writes the package's dependencies as CycloneDX, from package-lock.json alone.
import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'

const manifest = JSON.parse(await readFile('package.json', 'utf8'))
const [file = `${manifest.name}-${manifest.version}.cdx.json`] = process.argv.slice(2)
const argv = ['sbom', '--sbom-format', 'cyclonedx', '--sbom-type', 'library', '--package-lock-only', '--offline']
const { stdout } = await promisify(execFile)('npm', argv, { shell: process.platform === 'win32', maxBuffer: 2 ** 26 })
const bom = JSON.parse(stdout)
bom.metadata.component.name = manifest.name // npm uses the name of the folder

// npm 11's `--omit dev` also omits runtime dependencies that a development tool needs, such as zod. The lock file is exact.
const { packages } = JSON.parse(await readFile('package-lock.json', 'utf8'))
const installed = Object.entries(packages).filter(([path, { dev, devOptional }]) => path !== '' && !dev && !devOptional)
const named = new Set(installed.map(([path, { version }]) => `${path.slice(path.lastIndexOf('node_modules/') + 13)}@${version}`))
bom.components = bom.components.filter(({ name, version }) => named.has(`${name}@${version}`))
const kept = new Set([bom.metadata.component, ...bom.components].map((component) => component['bom-ref']))
bom.dependencies = bom.dependencies
  .filter(({ ref }) => kept.has(ref))
  .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((other) => kept.has(other)) }))
await writeFile(file, `${JSON.stringify(bom, undefined, 2)}\n`)
console.log(`${file}: ${bom.components.length} components`)
