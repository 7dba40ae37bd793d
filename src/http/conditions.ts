/** ETags, and the requests that depend on them. An ETag is the user's version in quotes. */
import type { VersionCondition } from '../core/users'
import { header } from './json'

/** Its place in the document. */
export const etagHeader = { ETag: header('The version of the user, for `If-Match` and `If-None-Match`') }

/** The headers of requests in the document: any text is one, and so nothing of them is checked beforehand. */
const conditionHeader = (name: string, description: string) =>
  ({ in: 'header', name, required: false, description, schema: { type: 'string' } }) as const
export const ifMatch = conditionHeader('if-match', 'The ETag of the user as the change is meant for')
export const ifNoneMatch = conditionHeader('if-none-match', 'The ETag of the user as the client has it')

export function toETag({ version }: { version: number }): string {
  return `"${version}"`
}

/**
 * The versions that `If-Match` allows: any without the header or with `*`. A foreign tag matches none. A weak one is taken for the
 * strong one it was when it left here: Cloudflare marks it weak when it compresses the answer, and clients send back what they got.
 */
export function versionsMatched(ifMatch: string | undefined): VersionCondition {
  if (ifMatch === undefined || ifMatch.trim() === '*') return undefined
  return ifMatch.split(',').flatMap((tag) => {
    const version = /^ *(?:W\/)?"(\d{1,15})" *$/.exec(tag)?.[1]
    return version === undefined ? [] : [Number(version)]
  })
}

/** Whether `If-None-Match` names the tag, strong or weak, or any. */
export function isNoneMatch(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false
  return ifNoneMatch.split(',').some((tag) => ['*', etag].includes(tag.trim().replace(/^W\//, '')))
}
