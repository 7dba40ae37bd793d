/** The characters that text may hold, and the keys by which two spellings compare as equal. */

const control = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u
const ignorable = /\p{Default_Ignorable_Code_Point}/u
const joinersAndVariations = /[\u200c\u200d\ufe00-\ufe0f\u{e0100}-\u{e01ef}]/gu
const everyIgnorable = /\p{Default_Ignorable_Code_Point}/gu
/**
 * ASCII letters, digits and hyphens, with no punycode and no numeric top label. Such a domain has only one spelling.
 */
const plainDomain = /^(?!.*xn--)([a-z0-9-]+\.)+[a-z]+$/
const domainLabel = /^[\p{L}\p{N}]([\p{L}\p{M}\p{N}-]{0,61}[\p{L}\p{M}\p{N}])?$/u
/** A fast path for most text: ASCII text changes only its case when folded. */
const ascii = /^[\0-\x7f]*$/
const printableAscii = /^[ -~]*$/

export const isAscii = (text: string) => ascii.test(text)

/** Whether the text has more than `max` code points. `length` counts code units, which are at least as many. */
export function isLonger(text: string, max: number): boolean {
  return text.length > max && lengthOf(text) > max
}

/** In Unicode 17, NFC composes at most six code units into one code point. */
const unitsPerCodePoint = 6

/**
 * Whether the text has more than `max` code points in every normal form. Call this before normalising text from a
 * client: the time to normalise grows with the square of a run of combining marks.
 */
export function isFarLonger(text: string, max: number): boolean {
  return text.length > max * unitsPerCodePoint
}

/** The maximum code points of the name of a person and of a role. The name of a person is the longest of all keys. */
export const maxNameLength = 401
export const maxRoleNameLength = 64

/** Length in code points. */
export function lengthOf(text: string): number {
  let length = 0
  for (const _ of text) length += 1
  return length
}

/**
 * Returns false for text with control characters, lone surrogates or invisible code points (bidi controls included).
 */
export function isPlainText(text: string, options: { joiners: boolean }): boolean {
  if (printableAscii.test(text)) return true
  if (control.test(text)) return false
  return !ignorable.test(options.joiners ? text.replace(joinersAndVariations, '') : text)
}

/** Whether the text has at least two labels, and the last is not a number. `text` must be in lower case and NFC. */
export function isDomain(text: string): boolean {
  const labels = text.split('.')
  return (
    labels.length > 1 && labels.every((label) => domainLabel.test(label)) && !/^\p{N}+$/u.test(labels.at(-1) as string)
  )
}

/**
 * Returns the unique key of an email, username or matricule. All spellings of one identifier share the key. Beyond
 * `fold`, it strips surrounding blanks and leading zeros of a number, and writes the domain of an address in ASCII.
 * Text that is too long for an identifier is returned as it is.
 */
export function foldIdentifier(text: string): string {
  if (isFarLonger(text, maxNameLength)) return text
  const folded = fold(text).trim()
  if (/^[0-9]+$/.test(folded)) return folded.replace(/^0+(?=[0-9])/, '')
  const at = folded.lastIndexOf('@')
  return at < 0 ? folded : folded.slice(0, at + 1) + asciiDomain(folded.slice(at + 1))
}

/** Returns text that is not a domain unchanged. */
function asciiDomain(domain: string): string {
  if (plainDomain.test(domain) || !isDomain(domain)) return domain
  const url = `http://${domain}`
  const ascii = URL.canParse(url) ? new URL(url).hostname : domain
  // The URL parser reads some domains, such as `1.0x7f`, as IPv4 addresses.
  return isDomain(ascii) ? ascii : domain
}

/**
 * Returns the unique key of a role's name. Beyond `fold`, it strips surrounding blanks and collapses inner blanks to
 * one space.
 */
export function foldRoleName(text: string): string {
  if (isFarLonger(text, maxRoleNameLength)) return text
  return fold(text).trim().replace(/\s+/gu, ' ')
}

/**
 * Folds text for search. Beyond `fold`, it drops accents, and it replaces letters and signs that people seldom type:
 * letters that no common keyboard has, and typographic apostrophes, quotes and hyphens.
 */
export function foldForSearch(text: string): string {
  if (ascii.test(text)) return text.toLowerCase()
  if (isFarLonger(text, maxNameLength)) return text
  // NFKC turns a lone acute accent into a blank and a combining accent.
  const withoutAccents = fold(text.replaceAll('\u00b4', "'")).normalize('NFKD').replace(/\p{M}/gu, '')
  return foldFully(withoutAccents).replace(typedOtherwise, (character) => typedForms.get(character) as string)
}

/** Folded letters and signs that Unicode does not decompose, mapped to what people type instead. */
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
 * Returns one key for every spelling of a name or identifier: compatibility forms, case and invisible code points are
 * folded away. Text that is too long is returned as it is.
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
