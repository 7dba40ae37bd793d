/**
 * A thread that runs scripts one after the other, each as a process of its own would: with its own arguments, exit
 * status and output. Files that the scripts import are loaded once.
 */
import { parentPort } from 'node:worker_threads'

let runs = 0

parentPort.on('message', async ({ file, argv, env }) => {
  runs += 1
  process.argv = [process.execPath, file, ...argv]
  process.env = env
  process.exitCode = undefined
  const said = []
  for (const stream of [process.stdout, process.stderr]) stream.write = (text) => Boolean(said.push(text))
  try {
    await import(`${file}?run=${runs}`)
  } catch (error) {
    said.push(`${error.stack}\n`)
    process.exitCode = 1
  }
  process.emit('exit')
  for (const event of ['exit', 'SIGINT']) process.removeAllListeners(event)
  parentPort.postMessage({ status: process.exitCode ?? 0, said: said.join('') })
})
