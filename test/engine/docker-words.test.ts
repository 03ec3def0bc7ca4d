/** How docker reads its words: the rules by themselves. The real docker is asked in test/engines/docker-words.test.ts. */
import { describe, expect, test } from 'vitest'
import { readDockerLine } from '../../src/engine/docker-line.js'
import { readDockerOptions } from '../../src/engine/docker-options.js'
import { readDockerWords } from '../../src/engine/docker-words.js'
import { UsageError } from '../../src/errors.js'

const RUN = readDockerOptions(`Usage:  docker run [OPTIONS] IMAGE

Options:
  -a, --attach list      Attach to STDIN, STDOUT or STDERR
      --cgroupns string  Cgroup namespace to use
                         --not-an-option string  of the text
  -d, --detach           Run container in background
  -e, --env list         Set environment variables
      --gpus gpu-request  GPU devices
  -h, --hostname string  Container host name
  -i, --interactive      Keep STDIN open
  -t, --tty              Allocate a pseudo-TTY
`)
const DOCKER = readDockerOptions(`Global Options:
      --config string      Location of client config files
  -c, --context string     Name of the context
  -D, --debug              Enable debug mode
  -H, --host list          Daemon socket to connect to
`)

const imageOf = (...words: string[]) => words[readDockerWords(words, RUN, false).operands[0] ?? -1]

test('help says which options take a value; text that goes on below is no option', () => {
  const taking = [...RUN.long.values()].filter(({ takesValue }) => takesValue).map(({ name }) => name)
  expect(taking.sort()).toEqual(['attach', 'cgroupns', 'dns-opt', 'env', 'gpus', 'hostname', 'net', 'net-alias'])
  expect([...RUN.short.keys()].sort()).toEqual(['a', 'd', 'e', 'h', 'i', 't'])
})

describe('the image is the first word that belongs to no option', () => {
  test.each([
    [['image']],
    [['-it', 'image', '-e', 'other']],
    [['-ite', 'A=b', 'image', 'other']],
    [['-iteA=b', 'image']],
    [['-e=A', 'image']],
    [['-e', '-it', 'image']],
    [['-e', '--', 'image']],
    [['--env', 'x', 'image']],
    [['--env=x', 'image']],
    [['--env=', 'image']],
    [['--tty=false', 'image']],
    [['--', 'image', 'other']],
    [['-it', '--', 'image']],
    [['--net', 'host', '--dns-opt', 'x', '--net-alias', 'y', 'image']],
    [['--unheard-of=x', 'image']],
    [['-Z=x', 'image']],
    [['-h', 'host', 'image']],
  ])('%j', (words) => {
    expect(imageOf(...words)).toBe('image')
  })

  test('"-" is a word, and so is everything behind "--"', () => {
    expect(imageOf('-')).toBe('-')
    expect(imageOf('--', '--env', 'x')).toBe('--env')
  })
})

test.each([
  [['--unheard-of', 'image'], 'unknown flag: --unheard-of', '--unheard-of=VALUE'],
  [['-itZ', 'image'], 'unknown flag: -Z', '-Z=VALUE'],
  [['-t=', 'image'], 'unknown flag: -=', 'VALUE'],
  [['--env'], 'flag needs an argument: --env', '--env=VALUE'],
  [['-ie'], 'flag needs an argument: -e', '-e=VALUE'],
])('%j is refused, with how to write it', (words, message, hint) => {
  const read = () => readDockerWords(words, RUN, false)
  expect(read).toThrow(UsageError)
  expect(read).toThrow(message)
  try {
    read()
  } catch (error) {
    expect(error).toMatchObject({ hint: expect.stringContaining(hint) })
  }
})

describe('the command of a line', () => {
  test.each([
    [['-D', '--context', 'x', '-Hy', 'container', 'run', '-it', 'image'], 'run', ['container', 'run'], ['-it', 'image']],
    [['--config=x', 'image', 'pull', 'image'], 'pull', ['image', 'pull'], ['image']],
    [['builder', 'build', '.'], 'build', ['builder', 'build'], ['.']],
    [['compose', 'up'], 'beyond', ['compose'], ['up']],
    [['trust', 'sign', 'x'], 'sign', ['trust', 'sign'], ['x']],
    [['image', 'ls'], undefined, ['image', 'ls'], []],
    [['ps', '-a'], undefined, ['ps'], ['-a']],
    [['image', '--help'], undefined, ['image', '--help'], []],
    [['-D'], undefined, [], []],
  ])('%j', (argv, task, command, words) => {
    const line = readDockerLine(argv, DOCKER)
    expect({ task: line.task, command: line.command, words: line.words }).toEqual({ task, command, words })
    expect([...line.globals, ...line.command, ...line.words]).toEqual(argv)
  })

  test('"--" before the command is refused: docker reads "docker -- -D run image" as a run', () => {
    for (const argv of [['--', 'run', 'x'], ['-D', '--', '-D', 'run', 'x'], ['--']])
      expect(() => readDockerLine(argv, DOCKER)).toThrow('"--" stands before the command')
  })

  test('an option between the two words of a command is refused', () => {
    expect(() => readDockerLine(['image', '--help=false', 'pull', 'x'], DOCKER)).toThrow('an option stands before the command')
    expect(() => readDockerLine(['buildx', '--builder', 'x', 'build', '.'], DOCKER)).toThrow(UsageError)
  })
})
