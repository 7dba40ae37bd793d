/**
 * Regenerates src/core/passwords/common-password-list.ts from a maintained list. Run `node scripts/common-passwords.js`
 * after updating the list.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

const require = createRequire(import.meta.url)
const count = 5000
const minLength = 8

const { dictionary } = require('@zxcvbn-ts/language-common')
const { devDependencies } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
const version = devDependencies['@zxcvbn-ts/language-common']

// The list is in order of frequency. Short passwords are refused anyway.
const passwords = dictionary['passwords-common']
  .filter((password) => [...password].length >= minLength && !password.includes('\n'))
  .slice(0, count)
  .sort()

/** As isCommonPassword reads it: front coding halves the size in the bundle. The list has no capital letters. */
function encoded(previous, password) {
  let shared = 0
  while (shared < Math.min(25, password.length) && password[shared] === previous[shared]) shared += 1
  return String.fromCharCode(65 + shared) + password.slice(shared)
}

const list = passwords.map((password, index) => encoded(passwords[index - 1] ?? '', password)).join('')
const comment = `/** The ${count} most common passwords of at least ${minLength} code points, from @zxcvbn-ts/language-common ${version} (MIT); made by scripts/common-passwords.js. */`
writeFileSync(
  fileURLToPath(new URL('../src/core/passwords/common-password-list.ts', import.meta.url)),
  `${comment}\nexport const commonPasswordList = ${JSON.stringify(list)}\n`,
)
