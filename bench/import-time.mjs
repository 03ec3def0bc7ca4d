/** Prints the time that importing the module in the first argument takes, in milliseconds. */
import { pathToFileURL } from 'node:url'

const url = pathToFileURL(process.argv[2]).href
const cpu = process.cpuUsage()
const start = performance.now()
await import(url)
const wall = performance.now() - start
const { user, system } = process.cpuUsage(cpu)
console.log(JSON.stringify({ wall, cpu: (user + system) / 1000 }))
