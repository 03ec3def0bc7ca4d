/** Measures one run of a program: wall and processor time as the shell's `time` reports them, or peak memory. */
import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

// /usr/bin/time reports only hundredths of a second. bash reports to a separate pipe.
const TIMED = 'TIMEFORMAT="%3R %3U %3S"; exec 4>&2; { time "$@" 2>&4 3>&- 4>&-; } 2>&3'
const PATIENCE = 120_000

/** Resolves to `{wall, cpu}` in milliseconds, with `status`, `stdout` and `stderr`. */
export async function timeProgram([program, ...args], env) {
  const child = spawn('bash', ['-c', TIMED, 'bash', program, ...args], { env, stdio: ['ignore', 'pipe', 'pipe', 'pipe'] })
  const { status, texts } = await ended(child, [1, 2, 3])
  const [real, user, system] = texts[2].trim().split(' ').map(Number)
  if (![real, user, system].every(Number.isFinite)) throw new Error(`${program} was not timed: ${texts.join('\n')}`)
  return { wall: real * 1000, cpu: (user + system) * 1000, status, stdout: texts[0], stderr: texts[1] }
}

/** Resolves to the largest resident size in bytes, sampled every few milliseconds while the program runs. */
export async function peakMemory([program, ...args], env) {
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let peak = 0
  let living = true
  const end = ended(child, [1, 2]).finally(() => {
    living = false
  })
  while (living) {
    const status = await readFile(`/proc/${child.pid}/status`, 'utf8').catch(() => '')
    peak = Math.max(peak, Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024)
    await sleep(4)
  }
  await end
  return peak
}

function ended(child, outputs) {
  const texts = outputs.map(() => '')
  outputs.forEach((fd, index) => {
    child.stdio[fd].setEncoding('utf8').on('data', (text) => {
      texts[index] += text
    })
  })
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE)
    child.once('error', reject)
    child.once('close', (status) => {
      clearTimeout(timer)
      resolve({ status, texts })
    })
  })
}
