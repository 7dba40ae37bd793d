/// <reference types="vite/client" />
/** The recordings of test/recordings, replayed inside the runtime of the Worker. */
import type { Entry, Header, ReceivedResponse, SentRequest } from '../../scripts/rehearse/messages'
import { operationsIn } from '../../scripts/rehearse/operations'
import { Replay, type Outcome, type ReplayOptions } from '../../scripts/rehearse/replay'
import type { Deviation, Rehearsal } from '../../src/http/contract/rehearsal'
import { call, fetchWorker, firstAdmin } from './usher'

const files = import.meta.glob<string>('../recordings/*.{har,ndjson}', {
  query: '?raw',
  import: 'default',
  eager: true,
})
const rehearsals = import.meta.glob<Rehearsal>('../../src/contracts/*/rehearsal.ts', {
  import: 'rehearsal',
  eager: true,
})
const declared = import.meta.glob<readonly Deviation[]>('../../src/contracts/*/deviations.ts', {
  import: 'deviations',
  eager: true,
})

const folderOf = (path: string) => path.split('/').at(-2) as string

export const deviationsOf = new Map(Object.entries(declared).map(([path, all]) => [folderOf(path), all]))
export const rulesOf = new Map(Object.entries(rehearsals).map(([path, rules]) => [folderOf(path), rules]))

interface HarEntry {
  request: { method: string; url: string; headers: { name: string; value: string }[]; postData?: { text: string } }
  response: { status: number; headers: { name: string; value: string }[]; content: { text: string } }
}
interface Line {
  request: { method: string; path: string; headers: Record<string, string>; body?: string }
  response: { status: number; headers: Record<string, string>; body: string }
}

const pairs = (headers: { name: string; value: string }[]) => headers.map(({ name, value }): Header => [name, value])

/** The entries of each recording, by contract. */
export const recordings = new Map(
  Object.entries(files).map(([path, text]) => {
    const contract = (path.split('/').at(-1) as string).split('.')[0] as string
    return [contract, path.endsWith('.har') ? ofHar(text) : ofNdjson(text)]
  }),
)

function ofHar(text: string): Entry[] {
  const { log } = JSON.parse(text) as { log: { entries: HarEntry[] } }
  return log.entries.map(({ request, response }, index) => ({
    index: index + 1,
    host: new URL(request.url).host,
    method: request.method,
    path: request.url.replace(/^https:\/\/[^/]+/, ''),
    request: { headers: pairs(request.headers), body: request.postData?.text },
    response: { status: response.status, headers: pairs(response.headers), body: response.content.text },
    isCut: false,
  }))
}

function ofNdjson(text: string): Entry[] {
  return text
    .trim()
    .split('\n')
    .map((line, index) => {
      const { request, response } = JSON.parse(line) as Line
      return {
        index: index + 1,
        host: undefined,
        method: request.method,
        path: request.path,
        request: { headers: Object.entries(request.headers), body: request.body },
        response: { ...response, headers: Object.entries(response.headers) },
        isCut: false,
      }
    })
}

/** Sends the requests of a replay to the Worker. */
export async function sendToWorker({ method, path, headers, body }: SentRequest): Promise<ReceivedResponse> {
  const hasBody = body !== undefined && method !== 'GET' && method !== 'HEAD'
  const response = await fetchWorker(path, {
    method,
    scheme: 'http',
    host: 'localhost',
    headers: Object.fromEntries(headers),
    ...(hasBody && { body: body as BodyInit }),
  })
  const set = response.headers.getSetCookie().map((value): Header => ['set-cookie', value])
  const others = [...response.headers].filter(([name]) => name !== 'set-cookie')
  return { status: response.status, headers: [...(others as Header[]), ...set], body: await response.text() }
}

/** A replay of a contract against the Worker, which writes; `options` differ from that. */
export async function newReplay(contract: string, options: Partial<ReplayOptions> = {}): Promise<Replay> {
  const document = (await call(`/doc/${contract}`)).body
  return new Replay({
    contract,
    rules: rulesOf.get(contract) as Rehearsal,
    deviations: deviationsOf.get(contract) ?? [],
    ...operationsIn(document),
    origin: 'http://localhost',
    writes: true,
    operator: { identifier: firstAdmin.email, password: firstAdmin.password },
    send: sendToWorker,
    wait: () => Promise.reject(new Error('a replay waits')),
    now: () => 0,
    ...options,
  })
}

export async function outcomesOf(replay: Replay, entries: readonly Entry[]): Promise<Outcome[]> {
  for (const entry of entries) replay.survey.add(entry)
  await replay.checkCredentials()
  const outcomes: Outcome[] = []
  for (const entry of entries) outcomes.push(await replay.replay(entry))
  return outcomes
}
