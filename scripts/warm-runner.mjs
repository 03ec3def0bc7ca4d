// A test runner for Stryker: the vitest suites, run inside of Stryker's own processes, which stay warm.
//
// Stryker's runner for vitest starts a worker for every mutant, loads zod, X.509 and every test file in it, and only then
// tries the first test: more than a second for each of some three thousand mutants. Here what lies in node_modules is
// loaded once. A test file, with all of src below it, is evaluated anew for each mutant, so that no memory of one mutant
// reaches the next; only when its turn comes; and the first test that fails ends it.
import crypto from 'node:crypto'
import { readdirSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { basename, dirname, join, sep } from 'node:path'
import { createServer } from 'vite'
import { ModuleRunner } from 'vite/module-runner'
import { startTests } from 'vitest/internal/browser'

/** What vitest's runner asks of a configuration. */
const SETTINGS = {
  root: process.cwd(),
  setupFiles: [],
  passWithNoTests: true,
  allowOnly: false,
  sequence: { seed: 1, hooks: 'stack', setupFiles: 'list' },
  maxConcurrency: 1,
  testTimeout: 60_000,
  hookTimeout: 60_000,
  retry: 0,
  tags: [],
  strictTags: false,
}

/** To draw an RSA key takes longer than most test files: the nth of a file is the same for every mutant. */
const drawn = new Map()
let draws = 0
const draw = crypto.generateKeyPairSync
crypto.generateKeyPairSync = (type, options) => {
  if (type !== 'rsa') return draw(type, options)
  const which = `${draws++} ${JSON.stringify(options)}`
  if (!drawn.has(which)) drawn.set(which, draw(type, options))
  return drawn.get(which)
}
syncBuiltinESMExports()

// What is measured in time means nothing in instrumented code: in the tests the clock stands still.
performance.now = () => 0

const AsyncFunction = (async () => {}).constructor

/** Runs what Vite made of a module: compiled once, evaluated as often as it is asked for. */
class CachingEvaluator {
  startOffset = 0
  /** How many modules are just being evaluated. */
  evaluating = 0
  #compiled = new Map()

  async runInlinedModule(context, code) {
    const run = this.#compiled.get(code) ?? new AsyncFunction(...Object.keys(context), `'use strict';${code}`)
    this.#compiled.set(code, run)
    this.evaluating++
    try {
      await run(...Object.values(context))
    } finally {
      this.evaluating--
    }
  }

  runExternalModule(path) {
    return import(path)
  }
}

class WarmRunner {
  #suites
  /** Names of tests that are left out. */
  #large
  /** By the folder whose mutants they have to notice. */
  #files = new Map()
  #evaluator = new CachingEvaluator()
  /** Gives modules that nobody has used yet. */
  #freshModules
  /** What the instrumented code reads and writes. */
  #shared

  constructor({ warmRunner: { suites, large } }) {
    this.#suites = suites
    this.#large = new RegExp(large.join('|'))
    globalThis.__stryker__ ??= {}
    this.#shared = globalThis.__stryker__
  }

  capabilities() {
    return { reloadEnvironment: true }
  }

  async init() {
    // As much of a vitest worker as `expect` and `vi` ask about.
    globalThis.__vitest_worker__ = { config: {}, filepath: '' }
    for (const [folder, suites] of Object.entries(this.#suites)) this.#files.set(folder, suites.flatMap(testFiles))
    const { environments } = await createServer({
      configFile: false,
      logLevel: 'error',
      appType: 'custom',
      server: { middlewareMode: true, ws: false, hmr: false, watch: null },
      optimizeDeps: { noDiscovery: true },
      oxc: { target: 'es2023' },
    })
    const answers = new Map()
    const fetchModule = async (id, importer) => {
      const question = `${id} ${importer}`
      const known = answers.get(question) ?? (await environments.ssr.fetchModule(id, importer, { inlineSourceMap: false }))
      answers.set(question, known)
      // Vite says with the first answer that a module is new; said again it would make two of one.
      return { ...known, invalidate: false }
    }
    const invoke = async ({ data: { name, data } }) => ({
      result: name === 'getBuiltins' ? [/^node:/] : await fetchModule(...data),
    })
    this.#freshModules = () =>
      new ModuleRunner({ transport: { invoke }, hmr: false, sourcemapInterceptor: false }, this.#evaluator)
  }

  async dryRun() {
    const shared = this.#shared
    const evaluator = this.#evaluator
    let current
    // What runs while a module is loaded belongs to no test, though a test may have asked for the module.
    Object.defineProperty(shared, 'currentTestId', { get: () => (evaluator.evaluating > 0 ? undefined : current) })
    shared.activeMutant = undefined
    const tests = new Map()
    for (const file of [...this.#files.values()].flat()) {
      const results = await this.#run(file, {
        onCollected: ([collected]) => choose(collected, (test) => this.#isSmall(test)),
        onBeforeTryTask: (test) => {
          current = idOf(file, test)
        },
        onTaskFinished: () => {
          current = undefined
        },
      })
      for (const result of results) tests.set(result.id, result)
    }
    return { status: 'complete', tests: [...tests.values()], mutantCoverage: shared.mutantCoverage }
  }

  async mutantRun({ activeMutant, testFilter, hitLimit, mutantActivation, sandboxFileName }) {
    const shared = this.#shared
    const chosen = testFilter && new Set(testFilter)
    Object.assign(shared, { hitCount: 0, hitLimit })
    let nrOfTests = 0
    const [, files = []] = [...this.#files].find(([folder]) => sandboxFileName.includes(`/${folder}`)) ?? []
    // What has tests of its own is held by those and their neighbours; the rest by stories too.
    const name = `/${basename(sandboxFileName, '.ts')}.test.ts`
    const own = files.find((file) => file.endsWith(name))
    const first = own === undefined ? files : [own, ...files.filter((file) => file !== own && dirname(file) === dirname(own))]
    for (const file of first) {
      if (chosen && !testFilter.some((id) => id.startsWith(`${file}#`))) continue
      shared.activeMutant = mutantActivation === 'static' ? activeMutant.id : undefined
      const tests = await this.#run(file, {
        bail: true,
        onCollected: ([collected]) => {
          choose(collected, (test) => this.#isSmall(test) && (!chosen || chosen.has(idOf(file, test))))
          shared.activeMutant = activeMutant.id
        },
      })
      shared.activeMutant = undefined
      nrOfTests += tests.length
      if (shared.hitCount > shared.hitLimit) return { status: 'timeout', reason: `passed there ${shared.hitCount} times` }
      const failed = tests.find(({ status }) => status === 'failed')
      if (failed) return { status: 'killed', killedBy: [failed.id], failureMessage: failed.failureMessage, nrOfTests }
    }
    return { status: 'survived', nrOfTests }
  }

  #isSmall({ fullTestName }) {
    return !this.#large.test(fullTestName)
  }

  /** What became of the tests of one file. */
  async #run(file, { bail = false, ...hooks }) {
    const path = join(process.cwd(), file)
    const results = []
    let failed = false
    const report = (id, { state, duration = 0, errors = [] }) => {
      failed ||= state === 'fail'
      results.push({
        id,
        name: id,
        fileName: file,
        timeSpentMs: duration,
        ...(state === 'pass' ? { status: 'success' } : { status: 'failed', failureMessage: errors[0]?.message ?? 'failed' }),
      })
    }
    const [{ result }] = await startTests([path], {
      config: SETTINGS,
      importFile: () => {
        draws = 0
        return this.#freshModules().import(path)
      },
      onBeforeRunTask: (test) => {
        if (bail && failed) test.mode = 'skip'
      },
      onAfterRunTask: (test) => {
        if (test.result?.state === 'pass' || test.result?.state === 'fail') report(idOf(file, test), test.result)
      },
      ...hooks,
    })
    // What fails outside of tests: a hook, or the file itself.
    if (result?.state === 'fail' && !failed) report(`${file}#`, result)
    return results
  }
}

function testFiles(suite) {
  if (suite.endsWith('.ts')) return [suite]
  return readdirSync(suite, { recursive: true })
    .filter((name) => name.endsWith('.test.ts'))
    .sort()
    .map((name) => `${suite}/${name.replaceAll(sep, '/')}`)
}

/** Tests of one name are one. */
function idOf(file, test) {
  return `${file}#${test.fullTestName.replaceAll(' > ', ' ')}`
}

/** Skips what is not wanted, and suites of which nothing is. Returns whether anything is. */
function choose(suite, wanted) {
  const stays = suite.tasks.map((task) => {
    const stay = task.mode !== 'skip' && task.mode !== 'todo' && (task.type === 'suite' ? choose(task, wanted) : wanted(task))
    if (!stay) task.mode = 'skip'
    return stay
  })
  return stays.includes(true)
}

function createWarmRunner(options) {
  return new WarmRunner(options)
}
createWarmRunner.inject = ['options']

/** What Stryker asks a plugin for. */
export const strykerPlugins = [{ kind: 'TestRunner', name: 'warm', factory: createWarmRunner }]
