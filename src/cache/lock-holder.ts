/** The process that holds a lock, and whether it still runs. */
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { systemCode } from '../errors.js'

/** The content of a lock file. */
export interface LockHolder {
  /** Differs for every time that a lock is taken. */
  readonly token: string
  readonly pid: number
  /** The system that `pid` belongs to: each container that shares the folder counts from 1. */
  readonly system: string
  /** The start time of the process, in the system's own unit: process numbers are used again. */
  readonly started: string
}

/** This process, about to take a lock. */
export function thisHolder(): LockHolder {
  const started = processState(process.pid)?.started ?? ''
  return { token: crypto.randomUUID(), pid: process.pid, system: thisSystem(), started }
}

/** Parses a lock file; undefined when its writer did not complete it. */
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

/** True only when the process has certainly ended. */
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

/** Identifies this system. Without an answer of the kernel, it is random, so that no process counts as one of this system. */
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

/** Parses /proc/<pid>/stat. The name of the program, in parentheses, may hold any character. */
function processState(pid: number): { started: string; ended: boolean } | undefined {
  if (process.platform !== 'linux') return undefined
  const stat = kernelSays(`/proc/${pid}/stat`)
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const started = fields[19]
  return started === undefined ? undefined : { started, ended: fields[0] === 'Z' || fields[0] === 'X' }
}

/** Reads a file of /proc, which needs no disk access. */
function kernelSays(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return ''
  }
}
