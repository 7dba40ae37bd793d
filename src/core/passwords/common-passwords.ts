/** Passwords that attackers try first. */
import { commonPasswordList } from './common-password-list'

let known: ReadonlySet<string> | undefined

/** `password` must be folded. */
export const isCommonPassword = (password: string): boolean => (known ??= decoded()).has(password)

/** Each password is written as the length that it shares with the one before, A for 0, and the rest. */
function decoded(): Set<string> {
  const passwords = new Set<string>()
  let previous = ''
  for (const [, shared = 'A', rest = ''] of commonPasswordList.matchAll(/([A-Z])([^A-Z]*)/g)) {
    previous = previous.slice(0, shared.charCodeAt(0) - 65) + rest
    passwords.add(previous)
  }
  return passwords
}
