/** Files with personal data, which only their owner may open. */
import { closeSync, constants, fstatSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'

const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW = 0, O_NONBLOCK = 0, O_RDWR } = constants

/**
 * Creates an empty file and opens it. It replaces any file or link at the path, so neither an earlier mode nor a link's
 * target is used.
 */
export function createPrivate(path) {
  rmSync(path, { force: true })
  return openSync(path, O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
}

/**
 * Opens an existing file to append to it. Undefined unless the user owns it, it has no other name, and no other user
 * may open it.
 */
export function openPrivate(path) {
  let file
  try {
    file = openSync(path, O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK)
  } catch {
    return undefined
  }
  const status = fstatSync(file)
  // On Windows these users and modes do not exist.
  const isPrivate = !process.getuid || (status.uid === process.getuid() && (status.mode & 0o077) === 0)
  if (status.isFile() && status.nlink === 1 && isPrivate) return file
  closeSync(file)
  return undefined
}

/** Returns the content of a file that `openPrivate` would open; undefined for any other. */
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
