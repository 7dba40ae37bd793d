import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { developmentLog } from '../../scripts/development-log.js'

let printed
let read
beforeEach(() => {
  vi.useFakeTimers()
  printed = []
  read = developmentLog((line) => printed.push(line))
})
afterEach(() => vi.useRealTimers())

const logged = (fields) =>
  JSON.stringify({
    message: 'request',
    operation: 'v1ListUsers',
    method: 'GET',
    status: 200,
    trips: 1,
    rows_read: 34,
    rows_written: 0,
    milliseconds: 12,
    ...fields,
  })

it('prints one line for each request: method, path without query, status, milliseconds, trips and rows', () => {
  read(logged())
  read('[wrangler:info] GET /v1/users?search=ama 200 OK (15ms)')
  expect(printed).toEqual(['GET /v1/users 200  12 ms  1 trip  34 rows read  0 written'])
})

it('pairs the two lines of a request by method and status, in any order', () => {
  read('[wrangler:info] POST /v1/users 201 Created (40ms)')
  read(logged())
  read(logged({ method: 'POST', status: 201, trips: 2, milliseconds: 38 }))
  read('[wrangler:info] GET /v1/roles 200 OK (15ms)')
  expect(printed).toEqual([
    'POST /v1/users 201  38 ms  2 trips  34 rows read  0 written',
    'GET /v1/roles 200  12 ms  1 trip  34 rows read  0 written',
  ])
})

it('prints a request without a cost when the Worker logs none', () => {
  read('[wrangler:info] GET /docs 200 OK (7ms)')
  expect(printed).toEqual([])
  vi.advanceTimersByTime(1000)
  expect(printed).toEqual(['GET /docs 200  7 ms'])
})

it('leaves out the scheduled triggers and wrangler’s own notices, and prints errors and other log lines', () => {
  read('[wrangler:info] GET /cdn-cgi/local/scheduled?cron=x 200 OK (3ms)')
  read('⎔ Starting local server...')
  read('{"message":"sweep","removed":3}')
  read('✘ [ERROR] Something broke')
  vi.advanceTimersByTime(1000)
  expect(printed).toEqual(['{"message":"sweep","removed":3}', '✘ [ERROR] Something broke'])
})
