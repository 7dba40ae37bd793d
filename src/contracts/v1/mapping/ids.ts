/** Ids in v1's format. */
import type { UserSelector } from '../../../core/users/user'

/** `usr_` and the uuid's 32 hex digits. Joined, because V8 writes concatenated text to JSON at half the speed. */
export function toId(uuid: string): string {
  return ['usr_', uuid.slice(0, 8), uuid.slice(9, 13), uuid.slice(14, 18), uuid.slice(19, 23), uuid.slice(24)].join('')
}

/** Text that is not a valid id selects no user. */
export function toSelector(id: string): { id: string } {
  const match = /^usr_([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/.exec(id)
  return { id: match ? match.slice(1).join('-') : '' }
}

/** Also selects by the matricule or the number, which other contracts use as ids: `matricule:4821`, `number:17`. */
export function toAnySelector(id: string): UserSelector {
  const [, key, digits] = /^(matricule|number):(\d{1,15})$/.exec(id) ?? []
  if (key === undefined) return toSelector(id)
  return key === 'number' ? { number: Number(digits) } : { matricule: Number(digits) }
}
