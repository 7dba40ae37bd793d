/**
 * Regenerates src/core/passwords/common-passwords.ts from a maintained list. Run `node scripts/common-passwords.js`
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

const comment = `/** The ${count} most common passwords of at least ${minLength} code points, from @zxcvbn-ts/language-common ${version} (MIT); made by scripts/common-passwords.js. */`
writeFileSync(
  fileURLToPath(new URL('../src/core/passwords/common-passwords.ts', import.meta.url)),
  `${comment}\nexport const commonPasswords = ${JSON.stringify(passwords.join('\n'))}\n`,
)
