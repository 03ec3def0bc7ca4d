/**
 * The measured subjects. A subject answers one question (references with their digests): `cold` with a new trust folder each
 * time, `warm` with a used one. It fails if an answer is wrong.
 */
import { fork } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { peakMemory, timeProgram } from './measure-program.mjs'

const BIN = fileURLToPath(new URL('../dist/cli/bin.cjs', import.meta.url))
const CHILD = fileURLToPath(new URL('./library-child.mjs', import.meta.url))
const PATH = process.env.PATH

/** The command of this project. */
export function command(lab, question, start) {
  const references = question.wanted.map(({ gun, tag }) => `${gun}:${tag}`)
  return program(lab, question, start, 'command', (url, folder) => {
    const options = ['--server', url, '--tlscacert', lab.server.ca, '--trust-dir', folder, '--config', `${folder}-config`]
    const words = ['node', ...lab.nodeOptions, BIN, 'verify', ...options, ...references]
    return { runs: [words], env: { PATH, HOME: folder } }
  })
}

/** `notary lookup`, once for each wanted tag. */
export function notary(lab, question, start) {
  return program(lab, question, start, 'notary', (url, folder) => {
    const always = ['notary', '-s', url, '-d', folder, '--tlscacert', lab.server.ca, 'lookup']
    return { runs: question.wanted.map(({ gun, tag }) => [...always, gun, tag]), env: { PATH, HOME: folder } }
  })
}

/** `docker pull` without a daemon: it ends when trust is established. */
export function docker(lab, question, start) {
  return program(lab, question, start, 'docker', async (url, folder) => {
    const certificates = join(folder, 'tls', new URL(url).host)
    await mkdir(certificates, { recursive: true })
    await writeFile(join(certificates, 'ca.crt'), lab.server.caPem)
    const trust = { DOCKER_CONTENT_TRUST: '1', DOCKER_CONTENT_TRUST_SERVER: url }
    const env = { PATH, HOME: folder, DOCKER_CONFIG: folder, DOCKER_HOST: `unix://${folder}/none`, ...trust }
    return { runs: question.wanted.map(({ gun, tag }) => ['docker', 'pull', `${gun}:${tag}`]), env }
  })
}

function program(lab, { wanted }, start, name, commandFor) {
  const kept = lab.freshFolder()
  let used = false
  const folder = () => (start === 'cold' ? lab.freshFolder() : kept)
  const run = async (url, where) => {
    const { runs, env } = await commandFor(url, where)
    const sum = { wall: 0, cpu: 0 }
    let said = ''
    for (const words of runs) {
      const { wall, cpu, stdout, stderr } = await timeProgram(words, env)
      sum.wall += wall
      sum.cpu += cpu
      said += `${stdout}${stderr}`
    }
    for (const { digest } of wanted) if (!said.includes(digest)) throw new Error(`${name} did not answer ${digest}: ${said}`)
    return sum
  }
  return {
    name,
    async prepare(url) {
      await mkdir(kept, { recursive: true })
      if (start === 'warm' && !used) await run(url, kept)
      used = true
    },
    run: (url) => run(url, folder()),
    async memory(url) {
      const { runs, env } = await commandFor(url, folder())
      return peakMemory(runs[0], env)
    },
    stop: async () => undefined,
  }
}

/** The library in a long-running process. */
export function library(lab, { wanted }, start) {
  const child = fork(CHILD, { env: { PATH, HOME: lab.freshFolder() }, execArgv: lab.nodeOptions })
  const kept = lab.freshFolder()
  const references = wanted.map(({ gun, tag }) => `${gun}:${tag}`)
  const ask = async (op, url, trustDirectory) => {
    const options = { env: {}, disableContentTrust: false, server: url, ca: lab.server.caPem, trustDirectory }
    const asked = new Promise((resolve, reject) => {
      child.once('message', ({ answer, failure }) => (failure === undefined ? resolve(answer) : reject(new Error(failure))))
    })
    child.send({ op, options: { ...options, dockerConfig: `${kept}-config` }, references })
    const answer = await asked
    const wrong = answer.digests?.filter((digest, index) => digest !== `sha256:${wanted[index].digest}`) ?? []
    if (wrong.length > 0) throw new Error(`the library answered ${wrong[0]}`)
    return answer
  }
  return {
    name: 'library',
    prepare: async (url) => void (start === 'warm' && (await ask('wake', url, kept))),
    run: (url) => (start === 'cold' ? ask('cold', url, lab.freshFolder()) : ask('warm', url, kept)),
    memory: async () => (await ask('memory', '', kept)).bytes,
    async stop() {
      if (!child.connected) return
      child.disconnect()
      await new Promise((resolve) => child.once('exit', resolve))
    },
  }
}
