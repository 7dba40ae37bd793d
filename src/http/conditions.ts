/** ETags, and the requests that depend on them. An ETag is the user's version in quotes. */
import type { VersionCondition } from '../core/users'

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
