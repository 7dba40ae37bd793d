/**
 * Recognises values and field names of other systems. Plain JavaScript, because `npm run csv` uses it too, on any Node.
 *
 * A hash imported as a password would lock its owner out, and let in anyone who has read the old table. An ignored
 * status field would let deactivated users sign in. So rows with either are refused, and the owner of the file decides.
 */

/** The names between the first two `$` of crypt(3), phpass, Drupal, argon2 and PBKDF2. */
const modular =
  /^\$(?:[1567PHSU]|2[abxy]?|g?y|wp|apr1|md5|sha\d+|argon2(?:id|[id])?|b?crypt(?:-sha\d+)?|scrypt|pbkdf2(?:-sha\d+)?)\$/
/** Django and Werkzeug: `algorithm$…$…`. */
const named =
  /^(?:pbkdf2|argon2|b?crypt|scrypt|(?:unsalted_)?(?:md5|sha\d+)|hmac)(?:[_:-][a-z0-9:_-]+)?\$|^U\$(?:P|S|2[aby])\$/i
/** LDAP, Dovecot and Spring: `{SCHEME}…`. */
const scheme =
  /^\{(?:s?md[45]|s?sha|pbkdf2|argon2(?:id|[id])?|b?crypt|blf-crypt|scrypt|cram-md5|digest-md5|lanman|nthash|noop|plain|clear(?:text)?)(?:[^a-z{}][^{}]*)?\}./i
/** An unknown name in any of these positions. */
const anyName = /^(?:\$?[A-Za-z0-9_:.-]{1,40}\$.*\$|\{[A-Za-z0-9_.-]{1,40}\})/

/**
 * Whether the text has a form that no passphrase has by chance. It names its algorithm, or its last part is as long and
 * mixed as a hash.
 */
function hasMark(text) {
  const form = text.replace(/^[!*](?=\$)/, '')
  if (/\s/.test(form)) return false
  // bcrypt, even when the column truncated it.
  if (/^\$2[abxy]?\$\d\d\$/.test(form) || scheme.test(form)) return true
  // ASP.NET Core Identity.
  if (/^AQAAAA[A-Za-z0-9+/]{40,}={0,2}$/.test(form)) return true
  const last = form.slice(Math.max(form.lastIndexOf('$'), form.lastIndexOf('}')) + 1)
  if (modular.test(form)) return last.length >= 20
  if (named.test(form)) return form.split('$').length > 2 && last.length >= 13
  return anyName.test(form) && /^[A-Za-z0-9./+=_-]{22,}$/.test(last) && /\d/.test(last) && /[A-Za-z]/.test(last)
}

/**
 * Hashes that do not name their algorithm: hexadecimal digests, MySQL, a digest with its salt, and 13 characters of
 * traditional crypt(3).
 */
const bare = [
  /^\*?(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{56}|[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128})$/i,
  /^[0-9a-f]{32,128}:\S+$/i,
  /^(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9./])[A-Za-z0-9./]{12}[.26AEIMQUYcgkosw]$/,
]

/**
 * Placeholders for a hash: Django's unusable password, a locked account, and the constant of the personnel contract.
 */
const placeholder = /^(?:!(?:[A-Za-z0-9]{40})?|password_hashed)$/

/** Whether a plain-text password has the form of a hash. */
export function looksLikeHash(text) {
  return text.length <= 1000 && (placeholder.test(text) || hasMark(text) || bare.some((form) => form.test(text)))
}

const statusWord =
  /^(?:is|account|user|non)?(?:status|active|inactive|activated|deactivated|enabled|disabled|blocked|suspended|locked|banned|archived|deleted|terminated|revoked|expired|actif|inactif|statut)$/
const statusValue = /^(?:active|inactive|activated|deactivated|enabled|disabled|blocked|suspended|locked|banned)$/i
/** A status of something other than the account: `last_active_at`, `mfa_enabled`, `marital_status`, `email_status`. */
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

/**
 * Returns whether an unknown field looks like a `status` or a `hash`; undefined for neither. Null and empty values are
 * ignored.
 */
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
