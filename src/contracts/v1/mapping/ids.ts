/** Ids, as v1 shows them. */

/** `usr_` and the uuid's 32 hex digits. */
export function toId(uuid: string): string {
  return `usr_${uuid.replaceAll('-', '')}`
}

/** Anything that is not an id of ours names nobody. */
export function toSelector(id: string): { id: string } {
  const match = /^usr_([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/.exec(id)
  return { id: match ? match.slice(1).join('-') : '' }
}
