/** Writes the manual pages into dist/man, from what tsc has compiled. The bundle of the command replaces dist/cli after this. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { manPages } from '../dist/cli/man-pages.js'

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
const folder = new URL('../dist/man/', import.meta.url)
mkdirSync(folder, { recursive: true })
for (const [name, text] of manPages(version)) writeFileSync(new URL(name, folder), text)
