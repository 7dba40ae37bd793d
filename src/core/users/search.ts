/** Text searches: what a query may be, and the words in it. */
import type { Outcome, Parsed } from './fields'
import { foldForSearch, isLonger, lengthOf } from './text'

/** Words of at least three characters are cheap; each shorter word reads the index entries of nearly all users. */
const [longWord, maxShortWords] = [3, 3]

/** Measures the text before it folds it, since folding takes time that grows with the text. */
export function parseSearch(input: string): Outcome<Parsed<'search'>> {
  if (isLonger(input, 200)) return { problem: { rule: 'too_long', max: 200 } }
  const words = searchWords(input)
  const tooMany = words.length > maxShortWords && words.every((word) => lengthOf(word) < longWord)
  return tooMany
    ? { problem: { rule: 'too_many_short_words', max: maxShortWords, longWord } }
    : { value: input as Parsed<'search'> }
}

const punctuation = `[\\p{Ps}\\p{Pe}'",.;:!?¡¿·、。]+`
const punctuationAround = new RegExp(`^${punctuation}|${punctuation}$`, 'gu')

/** The distinct words of a query, folded and without the punctuation around them. Punctuation alone is searched for as it is. */
export function searchWords(text: string): string[] {
  const words = foldForSearch(text)
    .split(/\s+/u)
    .filter((word) => word !== '')
  const bare = words.map((word) => word.replace(punctuationAround, '')).filter((word) => word !== '')
  return [...new Set(bare.length > 0 ? bare : words)]
}
