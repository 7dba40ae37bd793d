/** What text may hold, and when two texts are the same to a person. */

const control = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u
const ignorable = /\p{Default_Ignorable_Code_Point}/u
const joinersAndVariations = /[\u200c\u200d\ufe00-\ufe0f\u{e0100}-\u{e01ef}]/gu
const everyIgnorable = /\p{Default_Ignorable_Code_Point}/gu
/** Letters, digits and hyphens, of no other script and no number: it has one spelling. */
const plainDomain = /^(?!.*xn--)([a-z0-9-]+\.)+[a-z]+$/
const domainLabel = /^[\p{L}\p{N}]([\p{L}\p{M}\p{N}-]{0,61}[\p{L}\p{M}\p{N}])?$/u
/** What nearly all text is, and needs no closer look: nothing of it folds but its case. */
const ascii = /^[\0-\x7f]*$/
const printableAscii = /^[ -~]*$/

/** Whether it has more than `max` code points, which are never more than what a string counts. */
export function isLonger(text: string, max: number): boolean {
  return text.length > max && lengthOf(text) > max
}

/** NFC makes one code point of six code units at most, in Unicode 17. */
const unitsPerCodePoint = 6

/**
 * Whether it has more than `max` code points in every form. To be asked before text from a client is normalised: the time that takes
 * grows with the square of a run of combining marks.
 */
export function isFarLonger(text: string, max: number): boolean {
  return text.length > max * unitsPerCodePoint
}

/** Code points of the longest name of a person, and of a role. No other key is made of more than the first. */
export const maxNameLength = 401
export const maxRoleNameLength = 64

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

/** At least two labels, the last not a number. `text` is in lower case and NFC. */
export function isDomain(text: string): boolean {
  const labels = text.split('.')
  return (
    labels.length > 1 && labels.every((label) => domainLabel.test(label)) && !/^\p{N}+$/u.test(labels.at(-1) as string)
  )
}

/**
 * The key of an email, username or matricule. All spellings of one identifier have the same key: as `fold`, without blanks around it,
 * a number without leading zeros, the domain of an address in ASCII. Text that is too long is its own key, which nothing else has.
 */
export function foldIdentifier(text: string): string {
  if (isFarLonger(text, maxNameLength)) return text
  const folded = fold(text).trim()
  if (/^[0-9]+$/.test(folded)) return folded.replace(/^0+(?=[0-9])/, '')
  const at = folded.lastIndexOf('@')
  return at < 0 ? folded : folded.slice(0, at + 1) + asciiDomain(folded.slice(at + 1))
}

/** Text that is not a domain stays as it is. */
function asciiDomain(domain: string): string {
  if (plainDomain.test(domain) || !isDomain(domain)) return domain
  const url = `http://${domain}`
  const ascii = URL.canParse(url) ? new URL(url).hostname : domain
  // The URL parser reads some domains, such as `1.0x7f`, as IPv4 addresses.
  return isDomain(ascii) ? ascii : domain
}

/** The key of the name of a role: as `fold`, without blanks around it, and with one space for any blanks inside. */
export function foldRoleName(text: string): string {
  if (isFarLonger(text, maxRoleNameLength)) return text
  return fold(text).trim().replace(/\s+/gu, ' ')
}

/**
 * What search compares: as `fold`, and without what people leave out when they type a name. That is accents, letters that no
 * common keyboard has, and the typographic forms of apostrophes, quotes and hyphens.
 */
export function foldForSearch(text: string): string {
  if (ascii.test(text)) return text.toLowerCase()
  if (isFarLonger(text, maxNameLength)) return text
  // Folded, an acute accent on its own would be a blank and an accent.
  const withoutAccents = fold(text.replaceAll('\u00b4', "'")).normalize('NFKD').replace(/\p{M}/gu, '')
  return foldFully(withoutAccents).replace(typedOtherwise, (character) => typedForms.get(character) as string)
}

/** Folded letters that Unicode does not decompose, and signs, by what people type for them. */
const typedForms = new Map(
  Object.entries({
    a: 'ⱥ',
    ae: 'æ',
    b: 'ƀɓƃ',
    c: 'ƈȼ',
    d: 'đðɖɗƌ',
    e: 'əǝɛɇ',
    f: 'ƒ',
    g: 'ǥɠɣ',
    h: 'ħɦ',
    i: 'ɨɩ',
    j: 'ɉ',
    k: 'ƙĸ',
    l: 'łƚ',
    n: 'ŋɲƞ',
    o: 'øɔɵ',
    oe: 'œ',
    p: 'ƥ',
    r: 'ɍɽ',
    s: 'ʂ',
    t: 'ŧƭʈⱦ',
    th: 'þ',
    u: 'ʉʊ',
    v: 'ʋ',
    w: 'ⱳ',
    y: 'ɏƴ',
    z: 'ƶȥʒ',
    σ: 'ς',
    "'": '‘’‚‛‹›ʹʻʼʽˈ′‵ꞌ՚׳',
    '"': '“”„‟«»″‶〝〞״',
    '-': '‐‑‒–—―−⁃',
  }).flatMap(([typed, characters]) => [...characters].map((character) => [character, typed] as const)),
)
const typedOtherwise = new RegExp(`[${[...typedForms.keys()].join('')}]`, 'gu')

/**
 * One key for every spelling of a name or identifier: compatibility forms, case and invisible code points folded away. Text that is
 * too long is its own key, which nothing else has.
 */
export function fold(text: string): string {
  return isFarLonger(text, maxNameLength) ? text : foldFully(text)
}

function foldFully(text: string): string {
  if (ascii.test(text)) return text.toLowerCase()
  let folded = text
  for (;;) {
    const next = folded.normalize('NFKC').replace(everyIgnorable, '').toUpperCase().toLowerCase().normalize('NFKC')
    if (next === folded) return next
    folded = next
  }
}
