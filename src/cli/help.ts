/** Help texts. */

const COMMON = `Options:
  --server URL                   trust server for every registry (else DOCKER_CONTENT_TRUST_SERVER, else the one that is
                                 known for the registry: see dct env, else Docker's default)
  --trust-dir DIR                cache of trust data (else <config>/trust); docker and notary can share it
  --config DIR                   folder of Docker's config.json (else DOCKER_CONFIG, else ~/.docker)
  --pinning FILE                 JSON file with Notary's trust_pinning object: certs, ca, disable_tofu
  --tlscacert FILE               PEM file of the trust server's CA, or of its own certificate
  --offline                      ask no server, answer from the cache
  --stale-fallback warn|refuse   when the server gives no usable answer (default: warn, and use the cache)
  --timeout SECONDS              for the network work of each reference (default: 30)
  --json                         one JSON object a line
  --quiet, -q                    errors only, and that the cache cannot be written: later runs would be first uses
  --verbose                      say what is asked, answered, loaded and kept
  --help, -h, --version
`

const EXITS = `Exit status: 0 all verified, 1 untrusted, 2 usage, 3 unsigned, 4 expired, 5 no answer; 130 on Ctrl-C.
With several, the mostSevere of 2, 1, 4, 3, 5.
`

const TEXTS: Readonly<Record<string, string>> = {
  '': `Verifies Docker Content Trust (Notary v1): a tag becomes a trusted digest, or an error that says why not.

Usage: dct COMMAND [OPTIONS] [ARGUMENTS]

Commands:
  verify REFERENCE...            print the trusted digest of image references
  lookup GUN TARGET...           the same for any Notary collection and target name
  cache list|verify|forget GUN   what is kept on this machine
  env [REFERENCE]                what a verification would use on this machine, and why
  demo                           see it work, without a network or any configuration

Try:  dct demo
      dct verify container-registry.oracle.com/os/oraclelinux:9

dct COMMAND --help says more.
`,
  verify: `Usage: dct verify [OPTIONS] REFERENCE...

Prints the canonical reference (name@sha256:...) of each image reference whose tag is signed, one a line.
"-" reads references from standard input, one a line; "#" begins a comment, at the start of a line
or behind white space. On a terminal Ctrl-D ends the list, Ctrl-C stops.

A terminal is shown what takes long, and the failures of several references again at the end; not with --quiet.

Content trust is on here, unless DOCKER_CONTENT_TRUST is 0, f, F, false, False or FALSE, or:
  --disable-content-trust[=BOOL] switch it off (true, the default) or on (false); wins over the environment
  --digest-references require-signed|accept
                                 name@sha256:...: look for signed tags with the digest (default), or check nothing

${COMMON}
${EXITS}`,
  lookup: `Usage: dct lookup [OPTIONS] GUN TARGET...

Prints "TARGET sha256:HEX SIZE" for names in any Notary collection, image or not.
  --role ROLE                    only this role (may be given again); else targets, then its delegations

${COMMON}
${EXITS}`,
  cache: `Usage: dct cache list
       dct cache verify [GUN...]
       dct cache forget GUN...

list      the collections that something is kept of, one a line; with --json one object a line
verify    check what is kept, without asking a server, and show the root keys; with --json one object a line, as inspect
          of the library gives it
forget    remove metadata, root and version floors of a collection. The root is what the collection is recognised by:
          after this, whatever root a server offers is trusted on first use, unless a pin says otherwise. Compare the
          root key with its publisher before you do this because of an error.

${COMMON}`,
  env: `Usage: dct env [OPTIONS] [REFERENCE]

Shows what the verification of an image (alpine, when none is named) would use on this machine, and why: switch, trust
server, proxy, CA and client certificates, credentials (never the secrets), cache and pins. No server is asked.

${COMMON}
Exit status: 0, or that of whatever is unusable.
`,
  demo: `Usage: dct demo

Starts a trust server on this machine with a collection that the real notary signed, and verifies against it: a signed tag,
one that nobody signed, a tampered file, and the server gone. Needs no network and leaves nothing behind. It needs a
folder for a moment: that for temporary files (TMPDIR), else another that can be written to.
`,
}

/** The help for a command, or the overview. */
export function helpText(command: string | undefined): string {
  return (command === undefined ? undefined : TEXTS[command]) ?? TEXTS[''] ?? ''
}
