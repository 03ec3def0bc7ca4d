/** Images that `--mount` of `docker run` and `docker create` brings into a container, as docker/cli opts/mount.go reads them. */
import { UsageError } from '../errors.js'
import type { ReadWords } from './docker-words.js'

/** The sources of `--mount type=image,source=IMAGE`. @throws UsageError ERR_SETTINGS_INVALID when it is not certain which image is meant */
export function imageMounts({ options }: ReadWords): readonly string[] {
  return options.flatMap(({ name, value = '' }) => (name === 'mount' && /image/i.test(value) ? sourceOf(value) : []))
}

function sourceOf(typed: string): readonly string[] {
  const fields = typed.split(',').map((field) => {
    const at = field.indexOf('=')
    return at < 0
      ? { key: field, value: '' }
      : { key: field.slice(0, at).trim().toLowerCase(), value: field.slice(at + 1).trim() }
  })
  const isQuoted = /["\r\n]/.test(typed)
  if (!isQuoted && !fields.some(({ key, value }) => key === 'type' && value.toLowerCase() === 'image')) return []
  const [source, another] = fields.filter(({ key }) => key === 'source' || key === 'src')
  if (!isQuoted && source !== undefined && another === undefined) return [source.value]
  throw new UsageError('ERR_SETTINGS_INVALID', `--mount ${typed}: it is not certain which image is meant`, {
    hint: 'Write it without quotes, with one source: --mount type=image,source=IMAGE@DIGEST,target=/path',
  })
}
