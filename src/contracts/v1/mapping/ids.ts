/** Ids in v1's format. */

/** `usr_` and the uuid's 32 hex digits. */
export function toId(uuid: string): string {
  return `usr_${uuid.replaceAll('-', '')}`
}

/** Text that is not a valid id selects no user. */
export function toSelector(id: string): { id: string } {
  const match = /^usr_([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/.exec(id)
  return { id: match ? match.slice(1).join('-') : '' }
}
