/**
 * Reads recordings in HAR 1.2 and NDJSON into entries of one form. An invalid recording ends the rehearsal with an
 * error message.
 */
import { existsSync, statSync } from 'node:fs'
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib'
import { Stop } from '../directory.js'
import { elementsOf } from './json-elements.js'

/** Throws if the file does not exist. The recording is read twice, so it must be a file and not a pipe. */
export function sizeOf(path) {
  if (!existsSync(path)) throw new Stop(`There is no ${path}.`)
  const { size } = statSync(path)
  if (!statSync(path).isFile()) throw new Stop(`${path} is not a file.`)
  return size
}

export async function* entriesOf(path) {
  let index = 0
  for await (const { text, isCut } of elementsOf(path)) {
    index += 1
    yield entryOf(parsed(text, index, path), index, isCut)
  }
}

function parsed(text, index, path) {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new Stop(`Entry ${index} of ${path} is not JSON: ${error.message.replace(/".*"/s, '…')}`)
  }
}

const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value)

function entryOf(value, index, isCut) {
  const broken = (what) => new Stop(`Entry ${index} of the recording ${what}.`)
  const { request, response } = value
  if (!isObject(request)) throw broken('has no request')
  if (!isObject(response)) throw broken('has no response')
  const { method } = request
  const url = request.url ?? request.path
  if (typeof method !== 'string' || typeof url !== 'string') throw broken('has a request without a method or a path')
  const status = typeof response.status === 'string' ? Number(response.status) : response.status
  if (!Number.isInteger(status)) throw broken('has a response without a status')
  const headers = headersOf(request.headers, broken)
  const responseHeaders = headersOf(response.headers, broken)
  const posted = bodyOfRequest(request, headers, broken)
  const { host, path } = placeOf(url, headers, broken)
  return {
    index,
    host,
    method: method.toUpperCase(),
    path,
    request: { headers: posted.headers, body: posted.body },
    response: {
      status,
      headers: typed(responseHeaders, response),
      body: bodyOfResponse(response, responseHeaders, broken),
    },
    isCut,
  }
}

function placeOf(url, headers, broken) {
  if (url.startsWith('/')) return { host: valueOf(headers, 'host'), path: url }
  if (!URL.canParse(url)) throw broken('has a URL that is none')
  const { host } = new URL(url)
  // Keeps the text, because a URL object would rewrite it.
  return { host, path: url.replace(/^\w+:\/\/[^/?#]*/, '').replace(/#.*$/s, '') || '/' }
}

const valueOf = (headers, wanted) => headers.find(([name]) => name.toLowerCase() === wanted)?.[1]

/** Headers in the form of HAR, as pairs, or as an object whose values may be lists. */
function headersOf(headers = [], broken) {
  if (Array.isArray(headers)) {
    return headers.map((header) => {
      const [name, value] = Array.isArray(header) ? header : [header?.name, header?.value]
      if (typeof name !== 'string') throw broken('has a header without a name')
      return [name, String(value ?? '')]
    })
  }
  if (!isObject(headers)) throw broken('has headers that are none')
  return Object.entries(headers).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((one) => [name, String(one ?? '')]),
  )
}

/** HAR stores the content type in a field of its own. Some exports leave out the headers. */
function typed(headers, { content }) {
  if (valueOf(headers, 'content-type') !== undefined || !content?.mimeType || content.mimeType === 'x-unknown')
    return headers
  return [...headers, ['content-type', content.mimeType]]
}

function bodyOfRequest(request, headers, broken) {
  const { postData } = request
  if (!isObject(postData)) return { headers, body: decoded(request, request.body, headers, broken, true) }
  const type = valueOf(headers, 'content-type') ?? postData.mimeType
  const typedHeaders =
    type && valueOf(headers, 'content-type') === undefined ? [...headers, ['content-type', type]] : headers
  if (typeof postData.text === 'string' && postData.text !== '') {
    return { headers: typedHeaders, body: decoded(postData, postData.text, typedHeaders, broken, true) }
  }
  if (!Array.isArray(postData.params) || postData.params.length === 0) return { headers: typedHeaders, body: undefined }
  const pairs = postData.params.map(({ name, value }) => [String(name), String(value ?? '')])
  if (/^multipart\//i.test(type ?? '')) return multipart(typedHeaders, pairs)
  return { headers: typedHeaders, body: new URLSearchParams(pairs).toString() }
}

/** The parts of a multipart form without recorded text. */
function multipart(headers, pairs) {
  const boundary = 'part-of-the-recording'
  const parts = pairs.map(
    ([name, value]) => `--${boundary}\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  )
  const others = headers.filter(([name]) => name.toLowerCase() !== 'content-type')
  return {
    headers: [...others, ['content-type', `multipart/form-data; boundary=${boundary}`]],
    body: `${parts.join('')}--${boundary}--\r\n`,
  }
}

function bodyOfResponse(response, headers, broken) {
  const { content } = response
  if (!isObject(content)) return decoded(response, response.body, headers, broken)
  if (content.text === undefined && content._file !== undefined) {
    throw broken("keeps its body in a file of its own: record with Playwright's content: 'embed'")
  }
  return decoded(content, content.text, headers, broken)
}

const decompressors = { gzip: gunzipSync, 'x-gzip': gunzipSync, deflate: inflateSync, br: brotliDecompressSync }

/** Returns the text of a body, or the bytes of a request body that is not text. `holder` names the encoding. */
function decoded(holder, body, headers, broken, keepsBytes = false) {
  if (body === undefined || body === null) return undefined
  if (typeof body !== 'string') return JSON.stringify(body)
  const encoding = holder.encoding ?? holder.bodyEncoding ?? holder.body_encoding
  if (encoding == null || encoding === '' || /^utf-?8$/i.test(encoding)) return body
  if (encoding !== 'base64') throw broken(`has a body in an unknown encoding, ${JSON.stringify(encoding)}`)
  if (!/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(body)) throw broken('has a body that is not base64')
  const bytes = decompressed(Buffer.from(body, 'base64'), valueOf(headers, 'content-encoding'))
  const charset = /charset="?([^";\s]+)/i.exec(valueOf(headers, 'content-type') ?? '')?.[1] ?? 'utf-8'
  try {
    return new TextDecoder(charset.replace(/^utf8$/i, 'utf-8'), { fatal: true }).decode(bytes)
  } catch (error) {
    if (error instanceof RangeError) throw broken(`has a body in an unknown encoding, ${JSON.stringify(charset)}`)
    return keepsBytes ? new Uint8Array(bytes) : undefined
  }
}

/** Proxies may record compressed bodies. Browsers and most exports record them decompressed, under the same header. */
function decompressed(bytes, contentEncoding = '') {
  const decompress = decompressors[contentEncoding.trim().toLowerCase()]
  if (!decompress) return bytes
  try {
    return decompress(bytes, { maxOutputLength: 2 ** 26 })
  } catch {
    return bytes
  }
}
