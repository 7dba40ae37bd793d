/** Asks an upstream whether a password is right: once, within five seconds, and not while the upstream keeps failing. */
import type { Upstream, UpstreamAnswer, UpstreamCredentials, Upstreams } from '../../core/sign-in/upstreams'
import type { Configuration } from '../../env'
import { deriveSecret, signedHeaders, toSecretText } from '../deployment/signatures'
import type { OriginalSignIn } from './original-sign-in'

const limitMilliseconds = 5_000
const maxBytes = 65_536
/** The number of consecutive faults after which the isolate stops asking the upstream for a while. */
const maxFaults = 5
const restMilliseconds = 30_000

const originals = new Map<string, OriginalSignIn>()

/** Registers the original of a contract as an upstream. */
export function registerOriginal(contract: string, original: OriginalSignIn): void {
  originals.set(contract, original)
}

export const hasOriginal = (contract: string): boolean => originals.has(contract)

/** State of this isolate, by the name and URL of the upstream. `restsUntil` is in milliseconds since 1970. */
const faults = new Map<string, { inARow: number; restsUntil: number }>()

export function upstreamsOf(configuration: Configuration): Upstreams {
  const find = (name: string) => configuration.upstreams.get(name) as Upstream
  const keyOf = (name: string) => `${name} ${find(name).url}`
  return {
    restSeconds(name) {
      const rest = (faults.get(keyOf(name))?.restsUntil ?? 0) - Date.now()
      return rest > 0 ? Math.ceil(rest / 1000) : 0
    },
    async ask(name, credentials) {
      const answer = await ask(configuration, name, find(name), credentials)
      if (answer === 'match' || answer === 'no_match') faults.delete(keyOf(name))
      else {
        const inARow = (faults.get(keyOf(name))?.inARow ?? 0) + 1
        faults.set(keyOf(name), { inARow, restsUntil: inARow >= maxFaults ? Date.now() + restMilliseconds : 0 })
      }
      return answer
    },
    // Its faults do not count: a diagnosis changes nothing.
    probe(name) {
      const invented = crypto.randomUUID()
      const email = `usher-doctor-${invented}@upstream.invalid`
      return ask(configuration, name, find(name), {
        userId: crypto.randomUUID(),
        identifier: email,
        email,
        username: null,
        matricule: null,
        password: invented,
      })
    },
  }
}

/** Returns the secrets that sign requests to a hook, the present one first. */
export async function hookSecrets(configuration: Configuration, name: string): Promise<[string, ...string[]]> {
  const [first, ...others] = await secretsOf(configuration, name)
  return [toSecretText(first as Uint8Array), ...others.map(toSecretText)]
}

function secretsOf({ jwtSecrets }: Configuration, name: string): Promise<Uint8Array<ArrayBuffer>[]> {
  return Promise.all(jwtSecrets.map((secret) => deriveSecret(secret, `usher upstream ${name}`)))
}

async function ask(
  configuration: Configuration,
  name: string,
  { url, contract }: Upstream,
  credentials: UpstreamCredentials,
): Promise<UpstreamAnswer> {
  const original = contract === undefined ? undefined : originals.get(contract)
  const { address, headers, body } = original
    ? toOriginalRequest(url, original, credentials)
    : await toHookRequest(configuration, name, url, credentials)
  try {
    const response = await fetch(address, {
      method: 'POST',
      redirect: 'manual',
      signal: AbortSignal.timeout(limitMilliseconds),
      headers: { ...headers, accept: 'application/json', 'user-agent': 'Usher/1' },
      body,
    })
    const { status } = response
    const read = await readJson(response)
    const answer = original ? original.readSignIn({ status, body: read }) : readHook({ status, body: read })
    return answer ?? (status === 200 ? 'unreadable' : `http_${status}`)
  } catch (error) {
    return error instanceof Error && error.name === 'TimeoutError' ? 'timeout' : 'unreachable'
  }
}

function toOriginalRequest(url: string, { signInRequest }: OriginalSignIn, credentials: UpstreamCredentials) {
  const request = signInRequest(credentials)
  const address = url.replace(/\/+$/, '') + request.path
  return 'json' in request
    ? { address, headers: { 'content-type': 'application/json' }, body: JSON.stringify(request.json) }
    : {
        address,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams(request.form).toString(),
      }
}

async function toHookRequest(
  configuration: Configuration,
  name: string,
  address: string,
  { userId, identifier, password }: UpstreamCredentials,
) {
  const body = JSON.stringify({ user_id: `usr_${userId.replaceAll('-', '')}`, identifier, password })
  const headers = await signedHeaders(await secretsOf(configuration, name), crypto.randomUUID(), body)
  return { address, headers, body }
}

function readHook({ status, body }: { status: number; body: unknown }): 'match' | 'no_match' | undefined {
  const result = (body as { result?: unknown } | null | undefined)?.result
  return status === 200 && (result === 'match' || result === 'no_match') ? result : undefined
}

/** Returns the body as parsed JSON, or undefined if it is not JSON or too long. Throws as `fetch` does. */
async function readJson({ body }: Response): Promise<unknown> {
  const chunks: Uint8Array<ArrayBuffer>[] = []
  let length = 0
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array<ArrayBuffer>>) {
    length += chunk.byteLength
    // Leaving the loop cancels the stream.
    if (length > maxBytes) return undefined
    chunks.push(chunk)
  }
  try {
    return JSON.parse(await new Blob(chunks).text())
  } catch {
    return undefined
  }
}
