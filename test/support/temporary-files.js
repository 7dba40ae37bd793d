/**
 * Puts the temporary files of the suites in memory, where Linux has enough of it: on a disk, each commit of a local D1
 * waits for the disk. Imported by the configurations of vitest.
 */
import { existsSync, statfsSync } from 'node:fs'

const memory = '/dev/shm'
const needed = 4e9

if (existsSync(memory)) {
  const { bavail, bsize } = statfsSync(memory)
  if (bavail * bsize > needed) process.env.TMPDIR = memory
}
