// A test runner for Stryker that runs the vitest suites inside Stryker's own processes and keeps modules loaded.
//
// Stryker's runner for vitest starts a worker for every mutant and loads zod, X.509 and every test file before the first test. That is
// more than a second for each of about three thousand mutants. This runner loads node_modules once. It evaluates a test file, and
// the files of src that it imports, again for each mutant, so that mutants share no state. It loads a test file only when
// it runs, and stops at the first failing test.
import crypto from 'node:crypto'
import { readdirSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { basename, dirname, join, sep } from 'node:path'
import { createServer } from 'vite'
import { ModuleRunner } from 'vite/module-runner'
import { startTests } from 'vitest/internal/browser'

/** The configuration that vitest's runner needs. */
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

/** Generating an RSA key takes longer than most test files, so the nth key of a file is reused for every mutant. */
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

// Times measured in instrumented code mean nothing, so the clock does not advance.
performance.now = () => 0

const AsyncFunction = (async () => {}).constructor

/** Compiles the code that Vite made of a module once, and evaluates it for each import. */
class CachingEvaluator {
  startOffset = 0
  /** The number of modules that are being evaluated now. */
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
  /** Pattern for names of tests that do not run. */
  #large
  /** Test files by the folder of the mutants that they test. */
  #files = new Map()
  #evaluator = new CachingEvaluator()
  /** Returns a runner without loaded modules. */
  #freshModules
  /** The object that the instrumented code reads and writes. */
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
    // The parts of a vitest worker that `expect` and `vi` read.
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
      // Vite marks a module as new in the first answer. Repeating the mark would load the module twice.
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
    // Code that runs while a module is loaded belongs to no test, even if a test imported the module.
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
    // A file with its own tests is tested by those and the tests in the same folder; other files by all tests.
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
      if (shared.hitCount > shared.hitLimit) return { status: 'timeout', reason: `ran ${shared.hitCount} times` }
      const failed = tests.find(({ status }) => status === 'failed')
      if (failed) return { status: 'killed', killedBy: [failed.id], failureMessage: failed.failureMessage, nrOfTests }
    }
    return { status: 'survived', nrOfTests }
  }

  #isSmall({ fullTestName }) {
    return !this.#large.test(fullTestName)
  }

  /** Runs the tests of one file. @returns their results */
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
    // A failure outside of tests: a hook, or the file itself.
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

/** Tests with the same name count as one. */
function idOf(file, test) {
  return `${file}#${test.fullTestName.replaceAll(' > ', ' ')}`
}

/** Skips unwanted tests, and suites without wanted tests. @returns whether any test is wanted */
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

/** The plugins that Stryker loads from this file. */
export const strykerPlugins = [{ kind: 'TestRunner', name: 'warm', factory: createWarmRunner }]
