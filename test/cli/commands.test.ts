/** The tables of commands and options: what they say is what the program does. */
import { describe, expect, test } from 'vitest'
import { chooseCommand, readCommandLine } from '../../src/cli/arguments.js'
import { acceptedOptions, COMMANDS, type Command, commandUsage } from '../../src/cli/commands.js'
import { helpText } from '../../src/cli/help.js'
import { OPTION_ENTRIES, OPTIONS, optionUsage } from '../../src/cli/options.js'
import { OTHER_COMMANDS, OTHER_COMMANDS_BELOW, OTHER_OPTIONS } from '../../src/cli/other-names.js'
import { SETTINGS } from '../../src/client/settings/settings-table.js'
import { runProgram } from './program.js'

const NAMES = Object.keys(OPTIONS)
const wordsOf = ({ name }: Command) => name.split(' ')
const helpOf = (command: Command) => helpText(wordsOf(command))
/** The option as one would type it. */
const typed = (name: string) => (OPTION_ENTRIES.get(name)?.type === 'boolean' ? `--${name}` : `--${name}=x`)

describe.each(COMMANDS.map((command): [string, Command] => [command.name, command]))('dct %s', (name, command) => {
  const { options, withoutEffect = [], about, examples, summary } = command

  test('its help is dct help, --help and -h, and holds its usage, its text and its examples', async () => {
    const help = helpOf(command)
    for (const argv of [
      ['help', ...wordsOf(command)],
      ...(command.passThrough === 'all' ? [] : [[...wordsOf(command), '--help']]),
      ['-h', ...wordsOf(command)],
    ])
      expect(await runProgram(argv)).toEqual({ status: 0, out: help, err: '' })
    expect(help).toContain(`Usage: ${commandUsage(command)}\n`)
    const flowing = help.replace(/\s+/g, ' ')
    for (const text of [...about, command.exitStatus]) expect(flowing).toContain(text)
    for (const line of examples) expect(help).toContain(`\n  ${line}\n`)
    expect(helpText([]).includes(summary)).toBe(command.isInternal !== true)
  })

  test('its help documents every option that it takes, and no other', () => {
    const [described = ''] = helpOf(command).split('\nOptions:\n')[1]?.split('\n\n') ?? []
    const shown = described.split('\n').filter((line) => line.startsWith('  --'))
    const expected = command.passThrough === 'all' ? [] : [...options, 'help', 'version'].map(optionUsage)
    expect(shown.map((line) => line.trim().split('   ')[0])).toEqual(expected)
    for (const option of withoutEffect) expect(helpOf(command)).toMatch(new RegExp(`without effect here: .*--${option}\\b`, 's'))
    expect(new Set(acceptedOptions(command)).size).toBe(acceptedOptions(command).length)
  })

  test('every line of its help fits 80 columns', () => {
    for (const line of helpOf(command).split('\n')) expect(line.length, line).toBeLessThanOrEqual(80)
  })

  test('its examples are command lines that it takes', () => {
    for (const line of examples) {
      const [program, ...argv] = line.split(' ')
      expect(program).toBe('dct')
      expect(chooseCommand(readCommandLine(argv)).command).toBe(command)
    }
  })

  test.skipIf(command.passThrough !== undefined)(
    'every option that it does not take is refused, with the commands that take it',
    async () => {
      const foreign = NAMES.filter((option) => !acceptedOptions(command).some((one) => one === option))
      for (const option of foreign) {
        const { status, out, err } = await runProgram([...wordsOf(command), typed(option)])
        expect({ status, out }, option).toEqual({ status: 2, out: '' })
        expect(err).toContain(`--${option} is not an option of dct ${name} (ERR_SETTINGS_INVALID)`)
        if (option === 'quiet') continue // it drops the hint
        const takers = COMMANDS.filter((one) => acceptedOptions(one).some((taken) => taken === option))
        for (const taker of takers) expect(err).toContain(`dct ${taker.name}`)
      }
    },
  )

  test('every option that it takes is accepted', () => {
    const [example = ''] = examples
    for (const option of acceptedOptions(command)) {
      const isReplaced = command.operands.some(({ replacedBy }) => replacedBy === option)
      const argv = [...(isReplaced ? wordsOf(command) : example.split(' ').slice(1)), typed(option)]
      expect(chooseCommand(readCommandLine(argv)).command, option).toBe(command)
    }
  })

  test('it is loaded when it runs', async () => {
    expect(await command.load()).toBeTypeOf('function')
  })
})

test('no option but --help and --version is taken by every command', () => {
  const everywhere = NAMES.filter((name) =>
    COMMANDS.filter(({ passThrough }) => passThrough !== 'all').every((command) =>
      acceptedOptions(command).some((one) => one === name),
    ),
  )
  expect(everywhere).toEqual(['help', 'version'])
})

test('every option belongs to a command, and one that is chosen from a list has its values', () => {
  for (const [name, { kind, choices, type, value }] of OPTION_ENTRIES) {
    expect(COMMANDS.some((command) => acceptedOptions(command).some((one) => one === name))).toBe(true)
    expect(kind === 'choice', name).toBe(choices !== undefined)
    expect(type === 'string', name).toBe(value !== undefined || choices !== undefined)
  }
})

test('every flag that a setting names is an option of the command, with the values that the setting takes', () => {
  const flags = Object.values(SETTINGS).flatMap(({ flag }) => (flag === undefined ? [] : [flag]))
  expect(flags).toContain('trust-dir')
  for (const flag of flags) expect(NAMES).toContain(flag)
  for (const { flag, fits } of Object.values(SETTINGS))
    for (const choice of OPTION_ENTRIES.get(flag ?? '')?.choices ?? []) expect(fits(choice), `${flag} ${choice}`).toBe(true)
})

test('names that people type in place of a command: none is one, and each hint names commands that exist', () => {
  const exists = (words: string) => COMMANDS.some(({ name }) => `${words} `.startsWith(`${name} `))
  for (const [typed, hint] of OTHER_COMMANDS) {
    expect(exists(typed), typed).toBe(false)
    for (const [, words = ''] of hint.matchAll(/: dct ([^-.A-Z<]+)/g)) expect(exists(words.trim()), hint).toBe(true)
  }
  for (const [typed, meant] of OTHER_COMMANDS_BELOW) {
    expect(exists(typed), typed).toBe(false)
    expect(exists(`${typed.split(' ')[0]} ${meant}`), typed).toBe(true)
  }
})

test('names that people type in place of an option: none is one, and each hint names options that exist', () => {
  for (const [typed, hint] of OTHER_OPTIONS) {
    expect(NAMES).not.toContain(typed.replace(/^--/, ''))
    for (const [, name = ''] of hint.matchAll(/--([a-z-]+)/g)) expect([...NAMES, 'version'], hint).toContain(name)
  }
})

test('a command for programs alone is in no list', async () => {
  expect((await runProgram(['plugin', 'uninstall'])).err).toContain('dct: hint: Did you mean: dct plugin remove\n')
  expect((await runProgram(['plugin'])).err).toContain('dct plugin takes install, remove (')
  expect((await runProgram(['completion', 'fish'])).out).not.toContain('what the script of the plugin runs')
})

test('the list of commands and the help of a group fit 80 columns', () => {
  for (const line of `${helpText([])}${helpText(['cache'])}`.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80)
  expect(helpText(['cache'])).toContain('Usage: dct cache list|verify|forget\n')
})

describe('a command that takes all words as they are', () => {
  test('gets options, "--" and words untouched', () => {
    const argv = ['docker', 'run', '--help', '-q', '--', '--no-such-option', '']
    expect(readCommandLine(argv)).toEqual({ words: argv, values: {} })
    expect(chooseCommand(readCommandLine(argv)).words).toEqual(argv.slice(1))
  })

  test('takes no option of ours before its name', async () => {
    const { status, err } = await runProgram(['--json', 'docker', 'ps'])
    expect(status).toBe(2)
    expect(err).toContain('--json is not an option of dct docker')
  })
})

describe('words behind a command', () => {
  test.each([
    [['verify'], 'dct verify needs REFERENCE...: REFERENCE is missing', 'For example: dct verify '],
    [['lookup', 'registry.example/app'], 'TARGET is missing', 'For example: dct lookup '],
    [['env', 'alpine', "it's"], 'dct env takes [REFERENCE], got "it\'s" too', 'Type: dct env alpine\n'],
    [['cache', 'list', 'x'], 'dct cache list takes no words, got "x" too', 'Type: dct cache list\n'],
    [['demo', 'x'], 'dct demo takes no words', 'Type: dct demo\n'],
    [['completion', 'tcsh'], 'dct completion takes bash or zsh or fish, got "tcsh"', 'Type one of: dct completion bash, dct '],
  ])('%j: too few or too many are refused', async (argv, error, hint) => {
    const ran = await runProgram(argv)
    expect(ran).toMatchObject({ status: 2, out: '' })
    expect(ran.err).toContain(error)
    expect(ran.err).toContain(hint)
  })

  test('--quiet drops the hint of a usage error', async () => {
    expect((await runProgram(['verify', '--quiet'])).err).not.toContain('hint')
  })
})

describe('names that people try first', () => {
  test.each([
    [['list'], 'dct tags REPOSITORY'],
    [['sign', 'alpine:3.19'], 'dct signs nothing. Sign with notary'],
    [['version'], 'dct --version'],
    [['-v'], 'dct --version'],
    [['verify', '--ca', 'ca.crt', 'alpine'], '--tlscacert FILE. See: dct verify --help'],
    [['pin', '--dry-run', 'Dockerfile'], '--diff'],
    [['tags', '--format', 'csv', 'alpine'], 'dct export --format csv REPOSITORY'],
    [['policy', 'check', '--policy', 'policy.yaml'], 'dct policy check FILE'],
    [['policy', 'explain', 'policy.yaml', 'alpine'], 'dct policy explain --policy FILE REFERENCE'],
    [['build-policy', 'Dockerfile'], 'dct build-policy --file FILE'],
    [['serve', 'hosts', 'containerd'], '--engine containerd'],
  ])('%j: the hint says what to type', async (argv, hint) => {
    const ran = await runProgram(argv)
    expect(ran).toMatchObject({ status: 2, out: '' })
    expect(ran.err).toContain(hint)
  })
})
