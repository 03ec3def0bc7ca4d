/** Verifies one tag with a client of its own. */

import type { VerifyResult } from './results.js'
import type { VerifyTagOptions } from './settings/options.js'
import { createTrustClient } from './trust-client.js'

/**
 * The trusted digest of an image reference such as `alpine:3.19`.
 *
 * Content trust is on when `DOCKER_CONTENT_TRUST` says so, as with Docker, or with `disableContentTrust: false`; when it
 * is off the answer is `{status: 'disabled'}` and nothing was asked. Only `trusted` and `trusted-digest` mean verified.
 *
 * @throws TrustError of any kind; `code` says what exactly, `hint` what to do
 */
export async function verifyTag(reference: string, options: VerifyTagOptions = {}): Promise<VerifyResult> {
  const client = createTrustClient(options)
  try {
    return await client.verifyTag(reference)
  } finally {
    await client.close()
  }
}
