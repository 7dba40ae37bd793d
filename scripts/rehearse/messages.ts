/** Recorded requests and responses, the fields of a body, and the parts of a request that are sent again. */
import type { Answer } from '../../src/http/contract/rehearsal.ts'

export type Header = [name: string, value: string]

export interface Entry {
  /** The position in the recording, from 1. */
  index: number
  /** The host of the request, if it was recorded. */
  host: string | undefined
  method: string
  /** The path with the query. */
  path: string
  request: { headers: Header[]; body: string | Uint8Array | undefined }
  /** `body` is undefined if it was not recorded, or is not text. */
  response: { status: number; headers: Header[]; body: string | undefined }
  /** The body was too long and is cut. */
  isCut: boolean
}

export interface SentRequest {
  method: string
  path: string
  headers: Header[]
  body: string | Uint8Array | undefined
}

export interface ReceivedResponse {
  status: number
  headers: Header[]
  body: string
}

export function headerOf(headers: readonly Header[], name: string): string | undefined {
  return headers.find(([one]) => one.toLowerCase() === name)?.[1]
}

export function toAnswer({ status, headers, body }: Entry['response'] | ReceivedResponse): Answer {
  const named = headers.map(([name, value]) => [name.toLowerCase(), value] as const)
  return {
    status,
    headers: Object.fromEntries(named.filter(([name]) => name !== 'set-cookie')),
    // Chrome writes several cookies into one header, one per line.
    cookies: named.filter(([name]) => name === 'set-cookie').flatMap(([, value]) => value.split('\n')),
    json: jsonOf(headerOf(headers, 'content-type') ?? '', body),
  }
}

function jsonOf(contentType: string, body: string | undefined): unknown {
  if (body === undefined || (!/[/+]json\b/i.test(contentType) && !/^\s*[[{]/.test(body))) return undefined
  try {
    return JSON.parse(body) as unknown
  } catch {
    return undefined
  }
}

type Fields = Record<string, unknown>

/** Returns the fields of a JSON, form or multipart body; no fields for any other body. */
export function fieldsOf(contentType: string, body: string | Uint8Array | undefined): Fields {
  if (body === undefined) return {}
  const text = typeof body === 'string' ? body : new TextDecoder().decode(body)
  if (/[/+]json\b/i.test(contentType)) {
    const json = jsonOf(contentType, text)
    return typeof json === 'object' && json !== null && !Array.isArray(json) ? (json as Fields) : {}
  }
  if (/^multipart\/form-data/i.test(contentType)) {
    const parts = text.matchAll(/name="([^"]*)"\r?\n(?:[^\r\n]+\r?\n)*\r?\n([^]*?)\r?\n--/g)
    return Object.fromEntries([...parts].map(([, name, value]) => [name as string, value]))
  }
  if (/x-www-form-urlencoded/i.test(contentType)) return Object.fromEntries(new URLSearchParams(text))
  // A body without a content type is JSON.
  const json = contentType === '' ? jsonOf('', text) : undefined
  return typeof json === 'object' && json !== null && !Array.isArray(json) ? (json as Fields) : {}
}

/** Headers of the connection, the browser and the session. The rehearsal has its own. */
const dropped =
  /^(:.*|host|connection|content-length|cookie|authorization|accept-encoding|transfer-encoding|te|upgrade.*|keep-alive|proxy-.*|expect|forwarded|x-forwarded-.*|x-real-ip|cf-.*|sec-ch-.*|user-agent|referer|origin|dnt|priority|pragma|cache-control|if-modified-since|x-csrf-?token|x-xsrf-token)$/i

/** Returns the headers that are sent again. The origin of the recorded host becomes Usher’s; other origins stay. */
export function headersToSend(entry: Entry, origin: string): Header[] {
  const headers = entry.request.headers.filter(([name]) => !dropped.test(name))
  const recorded = headerOf(entry.request.headers, 'origin')
  if (recorded === undefined) return headers
  const host = URL.canParse(recorded) ? new URL(recorded).host : undefined
  const isOwn = host !== undefined && (entry.host === undefined || entry.host === host)
  return [...headers, ['origin', isOwn ? origin : recorded]]
}
