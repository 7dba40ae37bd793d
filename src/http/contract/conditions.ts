/** ETags, and the requests that depend on them. An ETag is the user's version in quotes. */
import type { Context } from 'hono'
import type { VersionCondition } from '../../core/users/users'
import { header } from './json'

/** Its place in the document. */
export const etagHeader = { ETag: header('The version of the user, for `If-Match` and `If-None-Match`') }

/** The headers of requests in the document: any text is one, and so nothing of them is checked beforehand. */
const conditionHeader = (name: string, description: string) =>
  ({ in: 'header', name, required: false, description, schema: { type: 'string' } }) as const
export const ifNoneMatch = conditionHeader('if-none-match', 'The ETag of the user as the client has it')
/** The conditions of a change: 412 where one does not hold. */
export const changeConditions = [
  conditionHeader('if-match', 'The ETag of the user as the change is meant for'),
  conditionHeader('if-none-match', 'ETags that the user must not have; `*` for any'),
]

export function toETag({ version }: { version: number }): string {
  return `"${version}"`
}

/**
 * The versions that a list of tags names. A foreign tag names none. A weak tag counts as the strong tag it was when it left here:
 * Cloudflare marks it weak when it compresses the response, and clients send back what they got.
 */
function versionsIn(tags: string): number[] {
  return tags.split(',').flatMap((tag) => {
    const version = /^ *(?:W\/)?"(\d{1,15})" *$/.exec(tag)?.[1]
    return version === undefined ? [] : [Number(version)]
  })
}

/** The versions that `If-Match` and `If-None-Match` let a change act on. */
export function changeCondition(c: Context): VersionCondition {
  const required = c.req.header('if-match')
  return {
    oneOf: required === undefined || required.trim() === '*' ? undefined : versionsIn(required),
    noneOf: knownVersions(c),
  }
}

/** Whether the client has the user as it is now, by `If-None-Match`. */
export function isNotModified(c: Context, { version }: { version: number }): boolean {
  const known = knownVersions(c)
  return known === 'any' || known?.includes(version) === true
}

/** The versions in `If-None-Match`. */
function knownVersions(c: Context): number[] | 'any' | undefined {
  const tags = c.req.header('if-none-match')
  if (tags === undefined) return undefined
  return tags.split(',').some((tag) => tag.trim() === '*') ? 'any' : versionsIn(tags)
}
