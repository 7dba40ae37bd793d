/** Values, bodies and headers for the hostile request suite, which no well-meaning client sends. */
import fc from 'fast-check'

// prettier-ignore
const awkward = [
  '', ' ', '\t', '\n', '\0', 'a\0b', '\u0007', '\u001b[31m', '\u007f', '\u0085', '\u2028', '\ufeff', '\ufffe',
  // Lone surrogates, with and without other characters around them.
  '\ud800', '\udfff', 'a\udc00b', '\ud83d',
  '\u200b', '\u202etxet', '\u2066', '\u00ad', '\u{e0001}', '\u{e0041}\u{e007f}', '\u115f', '\u3164',
  'ǅ', 'İ', 'ı', 'ß', 'ſ', 'ﬃ', '㎏', '＠', '．', '１２', '١٢', 'Ⅻ', '½', 'e\u0301', 'é', '\u0301', `a${'\u0301'.repeat(100)}`,
  '👩‍👩‍👧‍👦', '🏳️‍🌈', '𝕌𝕤𝕖𝕣', '\u{10ffff}', 'ﷺ'.repeat(40),
  "'", '"', '`', "''", '\\', "\\'", ';', '--', '/*', "' OR '1'='1", "'; DROP TABLE t; --", '" OR 1=1 --', '1; PRAGMA x', '?', '?1',
  ':a', '$a',
  '*', '^', '"*', 'a*', 'a"b', '(', ')', '()', 'AND', 'OR', 'NOT', 'NEAR(a b, 3)', 'NOT a', 'email : a', '{email name} : a', '- a',
  'a + b', 'a b c d e f g h', '"a" "',
  '%', '_', '[', ']', '%%', '\\%',
  '.', '..', '../..', '..%2f', '%2e%2e', '%00', '%zz', '%ff', '%c0%af', '%ed%a0%80', '%u0041', '/', '//', '\\\\', '#', '?a=b', '&',
  '=', '+',
  '<script>alert(1)</script>', '{{7*7}}', '${7*7}', '<!--', ']]>', 'javascript:x', '\r\nx-injected: 1', '%0d%0ax-injected:%201',
  'null', 'undefined', 'NaN', 'true', 'false', 'on', '0', '-0', '-1', '00', '0x10', '1e3', '1.0', ' 1', '1 ', '1_000', '+1', '٣', '∞',
  '9007199254740991', '9007199254740992', '-9007199254740993', '1e309', '9'.repeat(30), '9'.repeat(4301),
  '__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'length', 'then',
  '2026-02-30', '0000-00-00', '9999-12-31', '1980-07-08T00:00:00', '1980-7-8', '-000001-01-01', '2099-01-31T12:00:00Z',
  '2099-13-01T99:99:99Z',
  'a@b', '@', 'a@', '@b.c', 'a@b..c', 'a@b.c.', '"a b"@c.de', 'a@[127.0.0.1]', 'a@xn--.com', 'a@ex\u0430mple.org',
  `${'a'.repeat(65)}@b.cd`, `a@${'b.'.repeat(130)}cd`,
  '00000000-0000-0000-0000-000000000000', '{019a0000-0000-7000-8000-000000000001}', 'usr_', `usr_${'0'.repeat(32)}`,
  `usr_${'G'.repeat(32)}`,
  'usk_', `usk_${'A'.repeat(49)}`, 'eyJhbGciOiJub25lIn0.e30.', 'Bearer', 'A'.repeat(86), 'A'.repeat(64),
  // Cursors in the Worker's own format with other content.
  'W3sia2V5IjoiXHUwMDAwIiwibnVtYmVyIjo5MDA3MTk5MjU0NzQwOTkxfSxbImNyZWF0ZWRfYXQiLG51bGwsbnVsbCxudWxsXV0',
  'W3sia2V5IjoiIiwibnVtYmVyIjotMX0sWyJlbWFpbCIsbnVsbCxudWxsLG51bGxdXQ', 'WzEsW11d', 'W10', 'e30',
]

/** Syntax of languages that a text may be inserted into. */
const syntax = [
  '"',
  '"',
  "'",
  '`',
  '\\',
  '%',
  '_',
  '*',
  '(',
  ')',
  ':',
  ';',
  '--',
  '^',
  '{',
  '}',
  '[',
  ',',
  '?',
  '=',
  '<',
  '&',
  ' ',
  ' AND ',
  ' NEAR ',
  'abc',
  'é',
  '\u0301',
  '1',
]

const long = [64, 65, 100, 101, 128, 129, 200, 201, 254, 255, 500, 501, 5_000].flatMap((length) => [
  'a'.repeat(length),
  'é'.repeat(length),
  '𝔞'.repeat(length),
])

/** Runs of combining marks, which normalisation has to sort. They are longer than any field allows. */
export const longMarks: fc.Arbitrary<string> = fc
  .record({
    marks: fc.constantFrom('\u0301\u0327', '\u0327\u0301', '\u0301', '\u0345\u0323\u0301', '\u1dc0\u0327'),
    base: fc.constantFrom('', 'a', 'someone@example.', 'ﷺ'),
    length: fc.constantFrom(31, 200, 1_000, 4_000),
  })
  .map(({ marks, base, length }) => base + marks.repeat(Math.ceil(length / marks.length)))

/** Words too short for a trigram. A search without an index would have to look for each of them everywhere. */
export const shortWords: fc.Arbitrary<string> = fc
  .array(
    fc.constantFrom(...'abcdefghijklmnoprstuvwxyz0123456789', 'an', 'el', '@', '.', 'ß', '李', 'lara', 'example'),
    {
      minLength: 2,
      maxLength: 60,
    },
  )
  .map((words) => words.join(' '))

/** Any string that a request can hold, with those that often cause faults first. */
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  { weight: 10, arbitrary: fc.constantFrom(...awkward) },
  {
    weight: 6,
    arbitrary: fc.array(fc.constantFrom(...syntax), { minLength: 1, maxLength: 8 }).map((parts) => parts.join('')),
  },
  { weight: 2, arbitrary: fc.constantFrom(...long) },
  { weight: 2, arbitrary: longMarks },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom(...awkward), fc.string({ maxLength: 8 }), fc.constantFrom(...awkward))
      .map((parts) => parts.join('')),
  },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  {
    weight: 1,
    arbitrary: fc
      .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 12 })
      .map((units) => String.fromCharCode(...units)),
  },
)

// prettier-ignore
const awkwardJson = [
  'null', 'true', 'false', '0', '-0', '-1', '1.5', '1.0', '1e0', '9007199254740991', '9007199254740992', '1e308', '1e999', '-1e999',
  '1e-400', '9'.repeat(400),
  '[]', '{}', '[[]]', '[null]', '[{}]', '{"":""}', '{"__proto__":{"a":1}}', '{"constructor":{"prototype":{"a":1}}}', '{"toJSON":1}',
  '{"length":3}', '{"then":1}', '["a","a"]', `[${'"user",'.repeat(200)}"user"]`, `[${'1,'.repeat(5000)}1]`,
  `[${'"user",'.repeat(8000)}"user"]`, `[${'1,'.repeat(28_000)}1]`, `[${'{},'.repeat(15_000)}{}]`, `"${'\u0301\u0327'.repeat(14_000)}"`,
  `["${'\u0301\u0327'.repeat(14_000)}"]`, `{${'"a":1,'.repeat(8000)}"a":1}`,
  `${'['.repeat(900)}${']'.repeat(900)}`, `${'{"a":'.repeat(900)}1${'}'.repeat(900)}`, `${'['.repeat(20_000)}${']'.repeat(20_000)}`,
  // Almost JSON.
  'NaN', 'undefined', "'a'", '01', '.5', '1.', '+1', '"\\x41"', '"\\ud800"', '"\\uD83D\\uDE00"', '"\u2028"', '"a', '[1,]', '//',
]

/** The text of any JSON value, or of something close to JSON. */
export const hostileJson: fc.Arbitrary<string> = fc.oneof(
  { weight: 10, arbitrary: hostileText.map((text) => JSON.stringify(text)) },
  { weight: 6, arbitrary: fc.constantFrom(...awkwardJson) },
  { weight: 2, arbitrary: fc.json({ maxDepth: 4 }) },
  { weight: 1, arbitrary: fc.double().map(String) },
)

/** Encodes the text as a browser does, or leaves it unchanged. */
export const encodings: fc.Arbitrary<(text: string) => string> = fc.oneof(
  { weight: 8, arbitrary: fc.constant((text: string) => encodeURIComponent(text.toWellFormed())) },
  { weight: 2, arbitrary: fc.constant((text: string) => text) },
  { weight: 1, arbitrary: fc.constant((text: string) => encodeURIComponent(encodeURIComponent(text.toWellFormed()))) },
  {
    weight: 1,
    arbitrary: fc.constant((text: string) =>
      [...new TextEncoder().encode(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''),
    ),
  },
)

/** Valid header values: no line ends. Only ASCII, because workerd reads other bytes as UTF-8 and logs a warning. */
const headerText = fc.oneof(
  fc.constantFrom(...awkward.filter((text) => /^[\t\x20-\x7e]*$/.test(text)), 'a'.repeat(300)),
  fc.array(fc.integer({ min: 0x20, max: 0x7e }), { maxLength: 20 }).map((bytes) => String.fromCharCode(...bytes)),
)

const tags = fc.constantFrom(
  '*',
  '"1"',
  '"2"',
  'W/"1"',
  '"1", "2"',
  '""',
  '"',
  '1',
  '"9007199254740993"',
  `"${'1,'.repeat(999)}"`,
)

/** Headers that the Worker reads, or that have fooled other servers. */
export const hostileHeaders: fc.Arbitrary<[string, string][]> = fc.array(
  fc.oneof(
    fc.tuple(fc.constantFrom('if-match', 'if-none-match'), fc.oneof(tags, headerText)),
    fc.tuple(fc.constant('idempotency-key'), fc.oneof(fc.constantFrom('k1', 'k2', 'k3', 'k'.repeat(256)), headerText)),
    fc.tuple(
      fc.constant('cookie'),
      fc.oneof(
        headerText,
        headerText.map((text) => `sessionid=${text}; __Host-sessionid=${text}`),
      ),
    ),
    fc.tuple(
      fc.constant('cf-connecting-ip'),
      fc.oneof(fc.constantFrom('::1', '1:2:3::4::5', 'fe80::%1', '::ffff:1.2.3.4'), headerText),
    ),
    fc.tuple(
      fc.constantFrom(
        'accept',
        'accept-language',
        'accept-encoding',
        'origin',
        'referer',
        'user-agent',
        'range',
        'sec-fetch-site',
      ),
      headerText,
    ),
    fc.tuple(
      fc.constantFrom(
        'x-forwarded-for',
        'x-forwarded-host',
        'x-http-method-override',
        'x-original-url',
        'if-modified-since',
        'content-encoding',
        'content-language',
      ),
      fc.oneof(fc.constantFrom('DELETE', 'gzip', '/v1/me', '127.0.0.1'), headerText),
    ),
  ),
  { maxLength: 3 },
)

// prettier-ignore
export const contentTypes: fc.Arbitrary<string | undefined> = fc.constantFrom(
  undefined,
  'application/json', 'application/json; charset=utf-8', 'APPLICATION/JSON', 'application/json;charset=utf-16', ' application/json',
  'application/problem+json', 'application/json, text/plain',
  'application/x-www-form-urlencoded', 'application/x-www-form-urlencoded; charset=iso-8859-1',
  'multipart/form-data', 'multipart/form-data; boundary=x', 'multipart/form-data; boundary=""',
  'text/plain', 'text/json', 'application/xml', 'application/octet-stream', 'application/x-ndjson', 'a', '/', '', ';',
)
