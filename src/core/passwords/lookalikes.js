/**
 * What another system's values and field names look like. Plain JavaScript, because `npm run csv` reads it too, on any Node.
 *
 * A password that is really a hash would lock its owner out and let in everybody who has read the old table; a status that is passed
 * over would let deactivated users in. So what looks like either is refused, and the file's owner decides.
 */

/** What stands between the first two `$` of crypt(3), phpass, Drupal, argon2 and PBKDF2. */
const modular =
  /^\$(?:[1567PHSU]|2[abxy]?|g?y|wp|apr1|md5|sha\d+|argon2(?:id|[id])?|b?crypt(?:-sha\d+)?|scrypt|pbkdf2(?:-sha\d+)?)\$/
/** Django's and Werkzeug's: `algorithm$…$…`. */
const named =
  /^(?:pbkdf2|argon2|b?crypt|scrypt|(?:unsalted_)?(?:md5|sha\d+)|hmac)(?:[_:-][a-z0-9:_-]+)?\$|^U\$(?:P|S|2[aby])\$/i
/** LDAP's, Dovecot's and Spring's: `{SCHEME}…`. */
const scheme =
  /^\{(?:s?md[45]|s?sha|pbkdf2|argon2(?:id|[id])?|b?crypt|blf-crypt|scrypt|cram-md5|digest-md5|lanman|nthash|noop|plain|clear(?:text)?)(?:[^a-z{}][^{}]*)?\}./i
/** A name in any of these places. */
const anyName = /^(?:\$?[A-Za-z0-9_:.-]{1,40}\$.*\$|\{[A-Za-z0-9_.-]{1,40}\})/

/** A form that no phrase has by chance: it names its algorithm, or its last part is as long and mixed as that of a hash. */
function hasMark(text) {
  const form = text.replace(/^[!*](?=\$)/, '')
  if (/\s/.test(form)) return false
  // bcrypt, also where the column was too short for it.
  if (/^\$2[abxy]?\$\d\d\$/.test(form) || scheme.test(form)) return true
  // ASP.NET Core Identity.
  if (/^AQAAAA[A-Za-z0-9+/]{40,}={0,2}$/.test(form)) return true
  const last = form.slice(Math.max(form.lastIndexOf('$'), form.lastIndexOf('}')) + 1)
  if (modular.test(form)) return last.length >= 20
  if (named.test(form)) return form.split('$').length > 2 && last.length >= 13
  return anyName.test(form) && /^[A-Za-z0-9./+=_-]{22,}$/.test(last) && /\d/.test(last) && /[A-Za-z]/.test(last)
}

/** A hash without a mark: hexadecimal digests, MySQL's, a digest with its salt, and the 13 characters of the oldest crypt(3). */
const bare = [
  /^\*?(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{56}|[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128})$/i,
  /^[0-9a-f]{32,128}:\S+$/i,
  /^(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9./])[A-Za-z0-9./]{12}[.26AEIMQUYcgkosw]$/,
]

/** What systems put in the place of a hash: Django's mark of no password, a locked account's, what the personnel contract shows. */
const placeholder = /^(?:!(?:[A-Za-z0-9]{40})?|password_hashed)$/

/** Whether a password in clear has the form of a hash instead. */
export function looksLikeHash(text) {
  return text.length <= 1000 && (placeholder.test(text) || hasMark(text) || bare.some((form) => form.test(text)))
}

const statusWord =
  /^(?:is|account|user|non)?(?:status|active|inactive|activated|deactivated|enabled|disabled|blocked|suspended|locked|banned|archived|deleted|terminated|revoked|expired|actif|inactif|statut)$/
const statusValue = /^(?:active|inactive|activated|deactivated|enabled|disabled|blocked|suspended|locked|banned)$/i
/** Not of the account itself: `last_active_at`, `mfa_enabled`, `marital_status`, `email_status`. */
const ofSomethingElse = /^(?:last|mfa|factor|2fa|otp|totp|marital|newsletter|notifications?|email|phone|changed)$/
const secretWord = /^(?:pass|password|passwd|passphrase|pwd|pw|pin|secret|credentials?)$/
const hashWord = /^(?:hash|hashed|digest|encrypted|crypted|crypt|bcrypt|argon2?|salt)$/
const hashName =
  /^(?:hash|salt|digest|pass|passwd|pwd|userpass|userpassword|unixpassword|(?:password|pass|passwd|pwd|pin)hash)$/

const wordsOf = (name) =>
  name
    .slice(0, 200)
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)

/** What a field that no user has looks like, `status` or `hash`; undefined for any other. Null and an empty text say nothing. */
export function lookalikeOf(name, value) {
  if (value === null || value === undefined || value === '') return undefined
  const words = wordsOf(name)
  const has = (pattern) => words.some((word) => pattern.test(word))
  if (has(hashWord) && has(secretWord)) return 'hash'
  if (hashName.test(words.join('')) || (typeof value === 'string' && value.length <= 1000 && hasMark(value)))
    return 'hash'
  if (has(statusWord) && !has(ofSomethingElse)) return 'status'
  return typeof value === 'string' && statusValue.test(value.trim()) ? 'status' : undefined
}
