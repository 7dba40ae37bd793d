/** Conversions between bytes and text. */

/** Base64, without padding by default. */
export function toBase64(bytes: Uint8Array, { padded = false } = {}): string {
  return bytes.toBase64({ omitPadding: !padded })
}

export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.fromBase64(text)
}

/** Base64 for URLs, without padding. */
export function toBase64Url(bytes: Uint8Array): string {
  return bytes.toBase64({ alphabet: 'base64url', omitPadding: true })
}

/** Returns the bytes, or undefined for text that `toBase64Url` would not write. */
export function fromBase64Url(text: string): Uint8Array<ArrayBuffer> | undefined {
  const bytes = readBase64Url(text)
  return bytes && toBase64Url(bytes) === text ? bytes : undefined
}

/** As `fromBase64Url`, but ignores unused bits at the end, as signature checks do. */
export function readBase64Url(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) return undefined
  return fromBase64(text.replaceAll('-', '+').replaceAll('_', '/'))
}

export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text) as Uint8Array<ArrayBuffer>
}

/** SHA-256 as URL-safe base64. */
export async function sha256(data: Uint8Array<ArrayBuffer>): Promise<string> {
  return toBase64Url(new Uint8Array(await crypto.subtle.digest('SHA-256', data)))
}

/** HMAC-SHA-256. */
export async function hmacSha256(
  secret: Uint8Array<ArrayBuffer>,
  data: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  const key = await crypto.subtle.importKey('raw', secret, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  return new Uint8Array(await crypto.subtle.sign('HMAC', key, data))
}

/** Returns any 16 bytes as a uuid. The uuid may name no record. */
export function toUuid(bytes: Uint8Array): string {
  return hyphenated(Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(''))
}

/** Returns a uuid from its 32 hex digits. */
export function hyphenated(digits: string): string {
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
