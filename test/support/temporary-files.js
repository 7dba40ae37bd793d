/**
 * One folder for the temporary files of a run, which is removed at its end: killed servers leave theirs behind. It is
 * in memory where Linux has enough of it: on a disk, each commit of a local D1 waits for the disk. Imported by the
 * configurations of vitest.
 */
import { existsSync, mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const memory = '/dev/shm'
const needed = 4e9

const isInMemory = () => {
  const { bavail, bsize } = statfsSync(memory)
  return bavail * bsize > needed
}

const folder = mkdtempSync(join(existsSync(memory) && isInMemory() ? memory : tmpdir(), 'usher-run-'))
process.env.TMPDIR = folder
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))

/** A folder for the state of a server with an empty, migrated database, which the servers of a run copy. */
process.env.MIGRATED_STATE = join(folder, 'migrated')
