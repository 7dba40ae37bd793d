/** Runs the `npm run` scripts as a user does, each in its own folder. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { fileURLToPath } from 'node:url'
import { afterAll } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

const command = (script, args, key) => [
  process.execPath,
  [`${root}scripts/${script}.js`, ...args],
  { cwd: root, env: { ...process.env, USHER_API_KEY: key }, encoding: 'utf8', maxBuffer: 2 ** 28 },
]

/** Runs a script to its end and returns its exit status and its output. */
export function runs(script, args, key = '') {
  const { status, stdout, stderr } = spawnSync(...command(script, args, key))
  return { status, said: `${stdout}${stderr}` }
}

let thread
let last

/**
 * The same in a thread of this process, where a script starts in a fraction of the time. One script runs at a time.
 * Signals do not reach it.
 */
export function runsInThread(script, args, key = '') {
  const [, [file, ...argv], { env }] = command(script, args, key)
  thread ??= new Worker(new URL('script-thread.js', import.meta.url))
  const result = Promise.resolve(last).then(async () => {
    thread.postMessage({ file, argv, env })
    const [ended] = await once(thread, 'message')
    return ended
  })
  last = result
  return result
}
afterAll(() => thread?.terminate())

/** Starts a script and ends it once it has printed `text`. Returns the output up to then, or up to its own end. */
export async function saysUntil(text, script, args, key = '') {
  const running = spawn(...command(script, args, key))
  let said = ''
  const ended = new Promise((resolve) => running.once('close', resolve))
  for (const stream of [running.stdout, running.stderr]) {
    stream.setEncoding('utf8').on('data', (part) => {
      said += part
      if (said.includes(text)) running.kill('SIGINT')
    })
  }
  await ended
  return said
}

/** A folder that is removed after the tests of the file. */
export function temporaryFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'usher-scripts-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  return folder
}

export const linesOf = (path) =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
