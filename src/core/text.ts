/** What text may hold, and when two texts are the same to a person. */

const control = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u
const ignorable = /\p{Default_Ignorable_Code_Point}/u
const joinersAndVariations = /[\u200c\u200d\ufe00-\ufe0f\u{e0100}-\u{e01ef}]/gu
const everyIgnorable = /\p{Default_Ignorable_Code_Point}/gu
/** Letters, digits and hyphens, of no other script and no number: it has one spelling. */
const plainDomain = /^(?!.*xn--)([a-z0-9-]+\.)+[a-z]+$/
/** What nearly all text is, and needs no closer look: nothing of it folds but its case. */
const ascii = /^[\0-\x7f]*$/
const printableAscii = /^[ -~]*$/

/** Whether it has more than `max` code points, which are never more than what a string counts. */
export function isLonger(text: string, max: number): boolean {
  return text.length > max && lengthOf(text) > max
}

/** Length in code points. */
export function lengthOf(text: string): number {
  let length = 0
  for (const _ of text) length += 1
  return length
}

/** False for control characters, lone surrogates, and code points that nobody sees, bidi controls among them. */
export function isPlainText(text: string, options: { joiners: boolean }): boolean {
  if (printableAscii.test(text)) return true
  if (control.test(text)) return false
  return !ignorable.test(options.joiners ? text.replace(joinersAndVariations, '') : text)
}

/** The key of an email, username or matricule: as `fold`, and of an address one spelling of its domain, the ASCII one. */
export function foldIdentifier(text: string): string {
  const folded = fold(text)
  const at = folded.lastIndexOf('@')
  if (at < 0 || plainDomain.test(folded.slice(at + 1))) return folded
  const url = `http://${folded.slice(at + 1)}`
  return URL.canParse(url) ? folded.slice(0, at + 1) + new URL(url).hostname : folded
}

/** What search compares: as `fold`, and without accents. */
export function foldForSearch(text: string): string {
  return fold(fold(text).normalize('NFKD').replace(/\p{M}/gu, ''))
}

/** One key for every spelling of an identifier: compatibility forms, case and invisible code points folded away. */
export function fold(text: string): string {
  if (ascii.test(text)) return text.toLowerCase()
  let folded = text
  for (;;) {
    const next = folded.normalize('NFKC').replace(everyIgnorable, '').toUpperCase().toLowerCase().normalize('NFKC')
    if (next === folded) return next
    folded = next
  }
}
