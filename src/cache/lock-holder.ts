/** Who holds a lock, and whether he still lives. */
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { systemCode } from '../errors.js'

/** What a lock file says. */
export interface LockHolder {
  /** Differs for every time that a lock is taken. */
  readonly token: string
  readonly pid: number
  /** The system that `pid` is a number of: containers that share a folder count from 1 each. */
  readonly system: string
  /** When the process began, as the system tells: numbers of processes are used again. */
  readonly started: string
}

/** This process, about to take a lock. */
export function thisHolder(): LockHolder {
  const started = processState(process.pid)?.started ?? ''
  return { token: crypto.randomUUID(), pid: process.pid, system: thisSystem(), started }
}

/** What a lock file says; undefined when its writer did not get that far. */
export function decodeHolder(text: string): LockHolder | undefined {
  try {
    const { token, pid, system, started }: Record<string, unknown> = JSON.parse(text) ?? {}
    if (typeof token !== 'string' || typeof system !== 'string' || typeof started !== 'string') return undefined
    return typeof pid === 'number' && Number.isSafeInteger(pid) && pid > 0 ? { token, pid, system, started } : undefined
  } catch (cause) {
    if (cause instanceof SyntaxError) return undefined
    throw cause
  }
}

/** True only when that is certain. */
export function isDead({ pid, system, started }: LockHolder): boolean {
  if (system !== thisSystem()) return false
  try {
    process.kill(pid, 0)
  } catch (cause) {
    return systemCode(cause) === 'ESRCH'
  }
  const state = processState(pid)
  return state !== undefined && (state.ended || state.started !== started)
}

/** Without the kernel's own answers no process is ever known to be of this system. */
function thisSystem(): string {
  if (process.platform !== 'linux') return hostname()
  return `${kernelSays('/proc/sys/kernel/random/boot_id') || crypto.randomUUID()} ${namespace()}`
}

function namespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid')
  } catch {
    return crypto.randomUUID()
  }
}

/** From /proc/<pid>/stat; the name of the program, in parentheses, may hold anything. */
function processState(pid: number): { started: string; ended: boolean } | undefined {
  if (process.platform !== 'linux') return undefined
  const stat = kernelSays(`/proc/${pid}/stat`)
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const started = fields[19]
  return started === undefined ? undefined : { started, ended: fields[0] === 'Z' || fields[0] === 'X' }
}

/** No disk is asked for these. */
function kernelSays(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return ''
  }
}
