/** The invented users of every directory, varied and identical in each run. */

const given =
  `Ana Amina Arthur Aisha Bruno Beatrix Boris Bela Carmen Cyril Chiara Caleb Dana Dmitri Delphine Diego Elena Emil Esther Edgar
   Fatima Felix Flora Farid Greta Gustav Gemma Gideon Hanna Hector Helga Hassan Ingrid Ivan Iris Isaac Jana Jonas Judith Jamal
   Karin Kofi Klara Kenji Leila Lorenz Lucia Lamar Marta Malik Mila Marcus Nadia Nils Noor Nestor Olga Omar Odile Oskar Paula Pavel
   Petra Priya Quentin Rosa Ravi Renata Rufus Selma Sven Sonia Samir Tara Tobias Thea Tariq Ursula Viktor Vera Vikram Wanda Walter
   Xenia Yusuf Yara Yannick Zara Zoltan Zuri`.split(/\s+/)
const accented = ['Zoë', 'José', 'Anaïs', 'Søren', 'Maïté', 'Jürgen', 'Łukasz', 'Chloé']

const beginnings =
  `Ab Ald Am Bar Ber Bj Bor Bra Cal Car Cor Dal Dem Dor Ed El Fal Fer Gar Gol Gr Hal Har Hol Iv Jan Jor Kal Kar Kow Lan Lem Lin Mar
   Mel Mor Nak Nor Ok Or Pal Per Pol Qu Ram Ros Sal San Sor Tan Tor Ul Val Var Vin Wal Wes Yam Zab Zel`.split(/\s+/)
const middles =
  'a an ar e el en er i in is o ol on or u ul un ur av ev iv ov ash esh ich ond und ing ill ass ett amm'.split(' ')
const ends =
  `ado ai ana aro as berg by dahl de dez ev ez ford i ian ini ita ko ley lund man mi na ner nko o off osa ov quist
  ra sen ski son stad ström szky ton ura va vic well wicz yama zadeh zky`.split(/\s+/)

const genders = ['male', 'female', 'unknown']
const types = ['administrative', 'technician', 'clinician', 'student']
const domains = ['example.org', 'example.com', 'example.net']

/**
 * Returns the user with this index, from 1. `id` and `createdAt` (unix seconds) are for products that would choose
 * their own.
 */
export function person(index) {
  const draw = draws(index)
  const givenName = draw() < 0.02 ? pick(accented, draw()) : pick(given, draw() ** 1.7)
  // Some families are large, most are small.
  const family = draw() ** 2
  const count = beginnings.length * middles.length * ends.length
  const place = Math.floor(family * count)
  const familyName =
    beginnings[place % beginnings.length] +
    middles[Math.floor(place / beginnings.length) % middles.length] +
    ends[Math.floor(place / beginnings.length / middles.length) % ends.length]
  const [first, last] = [ascii(givenName), ascii(familyName)]
  return {
    index,
    email: `${first}.${last}${index}@${pick(domains, draw())}`,
    username: `${last}${index}`,
    givenName,
    familyName,
    name: `${givenName} ${familyName}`,
    matricule: index % 10 ? 1_000_000 + index : undefined,
    birthdate: new Date(Date.UTC(1945 + 60 * draw(), 12 * draw(), 1 + 28 * draw())).toISOString().slice(0, 10),
    gender: pick(genders, draw()),
    phone: `+33 1 70 18 ${digits(draw(), 2)} ${digits(draw(), 2)}`,
    userType: pick(types, draw()),
    createdAt: 1_735_689_600 + index * 20,
    id: uuid(1_735_689_600 + index * 20, draw),
  }
}

/** A generator of pseudo-random numbers from 0 up to 1. */
export function draws(seed) {
  let state = Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/**
 * Words to search for among the first `count` users, four of each kind: in few names, in about one of a hundred names,
 * and of two characters. Every product interprets them in the same way.
 */
export function words(count) {
  const draw = draws(count)
  const folded = (text) => ascii(text)
  const inAccented = (word) => [...accented, 'ström'].some((text) => folded(text).includes(word))
  const plain = (word) => /^[a-z]+$/.test(word) && !inAccented(word) && !domains.some((domain) => domain.includes(word))
  const names = Array.from({ length: count }, (_, index) => folded(person(index + 1).name))
  const hits = (word) => names.reduce((sum, name) => sum + (name.includes(word) ? 1 : 0), 0)

  const rare = new Set()
  while (rare.size < 4) {
    const { familyName } = person(1 + Math.floor(draw() * count))
    const word = familyName.toLowerCase()
    if (word.length > 5 && plain(word) && hits(word) <= 50) rare.add(word)
  }
  const nearest = (candidates, share) =>
    [...new Set(candidates)]
      .filter(plain)
      .map((word) => [word, Math.abs(Math.log(Math.max(hits(word), 1) / (share * count)))])
      .sort(([, one], [, other]) => one - other)
      .slice(0, 4)
      .map(([word]) => word)
  const pairs = [
    'sz',
    'zk',
    'kj',
    'qu',
    'wz',
    'zu',
    'uz',
    'hx',
    'lz',
    'jk',
    'rf',
    'ji',
    'xe',
    'bj',
    'vy',
    'tz',
    'yf',
    'lw',
  ]
  return {
    rare: [...rare],
    common: nearest(
      given.map((name) => name.toLowerCase()).filter((name) => name.length > 3),
      0.01,
    ),
    short: nearest(pairs, 0.005),
  }
}

function ascii(text) {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().replaceAll('ø', 'o').replaceAll('ł', 'l')
}

const pick = (list, draw) => list[Math.floor(draw * list.length)]
const digits = (draw, length) => String(Math.floor(draw * 10 ** length)).padStart(length, '0')

/** A version 7 uuid, as the Worker creates them. */
function uuid(seconds, draw) {
  const random = Array.from({ length: 5 }, () =>
    Math.floor(draw() * 65_536)
      .toString(16)
      .padStart(4, '0'),
  ).join('')
  const time = (seconds * 1000).toString(16).padStart(12, '0')
  const variant = '89ab'[Math.floor(draw() * 4)]
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(0, 3)}-${variant}${random.slice(3, 6)}-${random.slice(6, 18)}`
}
