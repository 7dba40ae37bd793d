/** An unpaginated list of 100,000 people: complete, read page by page, or visibly broken off. */
import { beforeAll, describe, expect, it } from 'vitest'
import { populate } from './support/population'
import { adminToken, fetchWorker, migrate, rows, testEnv } from './support/usher'

const people = 100_000
let admin: string

beforeAll(async () => {
  await migrate()
  admin = await adminToken()
  await populate(people)
}, 300_000)

/** Reads to the end and keeps only the last part. */
async function read(response: Response, onChunk: (chunk: string, index: number) => Promise<void> | void) {
  const reader = (response.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream()).getReader()
  for (let index = 0; ; index += 1) {
    const { done, value } = await reader.read()
    if (done) return
    await onChunk(value, index)
  }
}

describe('the unpaginated list', () => {
  it('has each of 100,000 users once: first by matricule, then users without one by number', async () => {
    const response = await fetchWorker('/personnel/users/list', { token: admin })
    let count = 0
    let last = -1
    let without = 0
    let misplaced = 0
    let rest = ''
    await read(response, (chunk) => {
      const pieces = (rest + chunk).split('},{')
      rest = pieces.pop() ?? ''
      for (const piece of pieces) {
        const matricule = /"matricule":(\d+|null)/.exec(piece)?.[1]
        if (matricule === 'null') without += 1
        else {
          if (without > 0 || Number(matricule) <= last) misplaced += 1
          last = Number(matricule)
        }
        count += 1
      }
    })
    expect(rest.endsWith('}]')).toBe(true)
    expect(misplaced).toBe(0)
    expect(count + 1).toBe(people + 1)
    expect(without + 1).toBe(people / 10 + 1)
  }, 60_000)

  it('reads at most a page ahead of its client, so memory use does not grow with the directory', async () => {
    let batches = 0
    const counting = {
      prepare: (sql: string) => testEnv.DB.prepare(sql),
      batch: (statements: D1PreparedStatement[]) => {
        batches += 1
        return testEnv.DB.batch(statements)
      },
    }
    const response = await fetchWorker('/personnel/users/list', { token: admin, env: { DB: counting } })
    const reader = (response.body as ReadableStream<Uint8Array>).getReader()
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(batches).toBeLessThanOrEqual(2)
    await reader.read()
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(batches).toBeLessThanOrEqual(3)
    await reader.cancel()
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(batches).toBeLessThanOrEqual(3)
  }, 60_000)

  it('breaks off when the permission to read ends, and never closes the array', async () => {
    const response = await fetchWorker('/personnel/users/list', { token: admin })
    let text = ''
    const reading = read(response, async (chunk, index) => {
      text = chunk.slice(-1)
      if (index === 0) await rows('UPDATE users SET session_generation = session_generation + 1 WHERE primary_role = 1')
    })
    await expect(reading).rejects.toThrow()
    expect(text).not.toBe(']')
  }, 60_000)
})
