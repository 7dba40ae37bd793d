/**
 * A webhook receiver: records what the Worker sends, returns the configured responses, and checks signatures as
 * Standard Webhooks defines them.
 */
import { vi } from 'vitest'

export interface Received {
  url: string
  id: string
  /** Unix seconds. */
  timestamp: number
  signatures: string[]
  text: string
  body: {
    id: string
    type: string
    timestamp: string
    data: { user_id?: string; actor_id?: string | null; contract?: string; fields?: string[] }
  }
  redirect: string | undefined
}

type Answer = (received: Received) => number | Promise<number | Response>

/** Replaces the network from here on. `answer` may be replaced. A number is a status. */
export function newReceiver() {
  const receiver = {
    got: [] as Received[],
    /** The number of open requests, and the highest number so far. */
    open: 0,
    most: 0,
    answer: (() => 204) as Answer,
    /** Returns what arrived since the last call, each as `type user`. */
    take(): string[] {
      return receiver.got.splice(0).map(({ body }) => `${body.type} ${body.data.user_id}`)
    },
  }
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) => {
    const { headers, url, method } = new Request(input as string, init as RequestInit)
    const text = String(init?.body)
    if (method !== 'POST' || headers.get('content-type') !== 'application/json') throw new Error('not a webhook')
    const received: Received = {
      url,
      id: String(headers.get('webhook-id')),
      timestamp: Number(headers.get('webhook-timestamp')),
      signatures: String(headers.get('webhook-signature')).split(' '),
      text,
      body: JSON.parse(text),
      redirect: init?.redirect,
    }
    receiver.got.push(received)
    receiver.open += 1
    receiver.most = Math.max(receiver.most, receiver.open)
    try {
      const answer = await receiver.answer(received)
      return typeof answer === 'number' ? new Response(null, { status: answer }) : answer
    } finally {
      receiver.open -= 1
    }
  })
  return receiver
}

/** The signature of a received request under `secret`. */
export async function signatureBy(secret: string, { id, timestamp, text }: Received): Promise<string> {
  const bytes = Uint8Array.from(atob(secret.replace(/^whsec_/, '')), (character) => character.charCodeAt(0))
  const key = await crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  const mac = await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(`${id}.${timestamp}.${text}`))
  return `v1,${btoa(String.fromCharCode(...new Uint8Array(mac)))}`
}
