/** Files that hold people's data: their owner alone may open them. */
import { closeSync, constants, fstatSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'

const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW = 0, O_NONBLOCK = 0, O_RDWR } = constants

/** Creates an empty file and opens it. It replaces what lies at the path: a file or link there lends neither its mode nor its target. */
export function createPrivate(path) {
  rmSync(path, { force: true })
  return openSync(path, O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
}

/** Opens a file to go on with; undefined unless it is this user's, has no other name, and is closed to everyone else. */
export function openPrivate(path) {
  let file
  try {
    file = openSync(path, O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK)
  } catch {
    return undefined
  }
  const status = fstatSync(file)
  // Windows has neither users nor modes here.
  const isPrivate = !process.getuid || (status.uid === process.getuid() && (status.mode & 0o077) === 0)
  if (status.isFile() && status.nlink === 1 && isPrivate) return file
  closeSync(file)
  return undefined
}

/** The content of a file that `openPrivate` opens; undefined of any other. */
export function readPrivate(path) {
  const file = openPrivate(path)
  if (file === undefined) return undefined
  const content = readFileSync(file, 'utf8')
  closeSync(file)
  return content
}

/** Creates a file with this content, as `createPrivate` does. */
export function writePrivate(path, content) {
  const file = createPrivate(path)
  writeFileSync(file, content)
  closeSync(file)
}
