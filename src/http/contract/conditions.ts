/** ETags and conditional requests. An ETag is the user's version in quotes. */
import type { Context } from 'hono'
import type { VersionCondition } from '../../core/users/users'
import { header } from './json'

/** The header in the OpenAPI document. */
export const etagHeader = { ETag: header('The version of the user, for `If-Match` and `If-None-Match`') }

/** A conditional header in the OpenAPI document. Any text is valid, so no schema checks it. */
const conditionHeader = (name: string, description: string) =>
  ({ in: 'header', name, required: false, description, schema: { type: 'string' } }) as const
export const ifNoneMatch = conditionHeader('if-none-match', 'The ETag of the user as the client has it')
/** The conditions of a change. 412 when one does not hold. */
export const changeConditions = [
  conditionHeader('if-match', 'The ETag of the user as the change is meant for'),
  conditionHeader('if-none-match', 'ETags that the user must not have; `*` for any'),
]

export function toETag({ version }: { version: number }): string {
  return `"${version}"`
}

/**
 * Returns the versions in a list of tags. Unknown tags are ignored. A weak tag counts as strong: Cloudflare weakens
 * tags when it compresses a response, and clients send them back.
 */
function versionsIn(tags: string): number[] {
  return tags.split(',').flatMap((tag) => {
    const version = /^ *(?:W\/)?"(\d{1,15})" *$/.exec(tag)?.[1]
    return version === undefined ? [] : [Number(version)]
  })
}

/** Returns the versions that `If-Match` and `If-None-Match` allow a change to act on. */
export function changeCondition(c: Context): VersionCondition {
  const required = c.req.header('if-match')
  return {
    oneOf: required === undefined || required.trim() === '*' ? undefined : versionsIn(required),
    noneOf: knownVersions(c),
  }
}

/** Whether `If-None-Match` shows that the client has the current version of the user. */
export function isNotModified(c: Context, { version }: { version: number }): boolean {
  const known = knownVersions(c)
  return known === 'any' || known?.includes(version) === true
}

/** Returns the versions in `If-None-Match`. */
function knownVersions(c: Context): number[] | 'any' | undefined {
  const tags = c.req.header('if-none-match')
  if (tags === undefined) return undefined
  return tags.split(',').some((tag) => tag.trim() === '*') ? 'any' : versionsIn(tags)
}
