/** The measured operations and their subjects. */
import { draws, person, words } from './people.js'

export const pageSize = 100
export const searchSize = 20

/**
 * `request` names how a product sends it. `hashes` operations take as long as a password hash. `alone` operations are
 * those that only Usher has. `finds` operations return users.
 */
export const operations = [
  { name: 'get', title: 'get one user' },
  { name: 'first', title: 'list, first page' },
  { name: 'deep', title: 'list, a page far down, by cursor' },
  { name: 'numbered', title: 'list, a page far down, by number' },
  { name: 'rare', title: 'search, a rare word', request: 'search' },
  { name: 'common', title: 'search, a common word', request: 'search' },
  { name: 'short', title: 'search, two characters', request: 'search' },
  { name: 'three', title: 'search, three words of one character', request: 'search', alone: true },
  { name: 'combined', title: 'search, a common word and two of one character', request: 'search', alone: true },
  { name: 'create', title: 'create', writes: true, hashes: true },
  { name: 'login', title: 'sign in', writes: true, hashes: true },
  { name: 'update', title: 'update', writes: true },
  { name: 'delete', title: 'delete', writes: true },
  { name: 'introspect', title: 'introspect a token', alone: true, finds: false },
  { name: 'scimGet', title: 'SCIM, get one user', alone: true },
  { name: 'scimFirst', title: 'SCIM, list, first page', alone: true },
  { name: 'scimFilter', title: 'SCIM, filter by userName', alone: true },
  { name: 'scimActive', title: 'SCIM, PATCH active', writes: true, alone: true },
  { name: 'scimMembers', title: 'SCIM, PATCH members', writes: true, alone: true },
].map((operation) => ({
  request: operation.name,
  writes: false,
  hashes: false,
  alone: false,
  finds: !operation.writes,
  ...operation,
}))

/** Whether the product has the operation. */
export const isIn = ({ alone }, { name }) => !alone || ['usher', 'floor'].includes(name)

const readOnes = 256
const pages = 8

/**
 * Returns the subjects of each operation among `count` users: a few in turn for reads, and enough for writes that no
 * user is used twice. `writes` and `hashes` are per round, and `rounds` excludes the round for counting.
 */
export function subjects(count, { rounds, writes, hashes }) {
  const draw = draws(-count)
  const last = count - 1
  const { rare, common, short } = words(last)
  const most = (rounds + 1) * writes
  // The last users will be deleted.
  const anyone = () => person(2 + Math.floor(draw() * (last - most - 2)))
  const page = () => Math.ceil(((0.3 + 0.6 * draw()) * count) / pageSize)
  const far = Array.from({ length: pages }, page).map((number) => ({ page: number, size: pageSize }))
  const searches = (found) => found.map((search) => ({ search, size: searchSize }))
  // No user is changed by two operations, because the bare Worker repeats changes of recorded versions.
  const changed = (turn) => some(most, Math.floor(count / 10) + turn * most)
  const some = (length, from) => Array.from({ length }, (_, index) => person(from + index))
  const renamed = (one) => ({ ...one, newName: `${one.givenName} ${one.familyName}-Newell` })
  return {
    get: Array.from({ length: readOnes }, anyone),
    first: [{ page: 1, size: pageSize }],
    deep: far,
    numbered: far,
    rare: searches(rare),
    common: searches(common),
    short: searches(short),
    three: searches(['a b c', 'e r o', 'q x z', 'm l .']),
    combined: common.map((word) => ({ search: `${word} a b`, longer: word, size: searchSize })),
    create: some((rounds + 1) * hashes, last + 1),
    login: some((rounds + 1) * hashes, 2),
    update: changed(0).map(renamed),
    // From the end, so that no other user's position changes.
    delete: some(most, last - most + 1),
    introspect: [{}],
    scimGet: Array.from({ length: readOnes }, anyone),
    scimFirst: [{ page: 1, size: pageSize }],
    scimFilter: Array.from({ length: readOnes }, anyone),
    scimActive: changed(1),
    scimMembers: changed(2),
  }
}

/** The subjects of a write operation in a round. Round 0 is for counting. */
export function inRound(subjects, round, { rounds }) {
  const each = subjects.length / (rounds + 1)
  return subjects.slice(round * each, (round + 1) * each)
}
