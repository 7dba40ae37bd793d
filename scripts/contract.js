/** `npm run contract -- new NAME`: the skeleton of a contract, which compiles and says what is missing. docs/add-a-contract.md goes on from there. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { format, resolveConfig } from 'prettier'
import { filesOf } from './contract/skeleton.js'

const registry = 'src/contracts/index.ts'
const descriptions = 'test/contracts/index.ts'

/** Names that are taken: the Worker's own paths, and the files and folders that are no contract. */
const reserved = ['assets', 'doc', 'docs', 'health', 'contracts', 'description', 'descriptions', 'index', 'registry']

const [command, name, ...others] = process.argv.slice(2)
const problem = problemWith()
if (problem !== undefined) {
  console.error(problem)
  process.exit(2)
}

const files = [
  ...Object.entries(filesOf(name)),
  [registry, withContract(registry, 'routes')],
  [descriptions, withContract(descriptions, 'description')],
]
for (const [path, text] of files) {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, await format(text, { ...(await resolveConfig(path)), filepath: path }))
}
console.log(`${files.map(([path]) => path).join('\n')}

Run \`npm test -- contracts/${name}\`: it lists what the contract lacks. docs/add-a-contract.md has the steps.`)

/** One sentence, or undefined where the skeleton can be written. */
function problemWith() {
  if (command !== 'new' || name === undefined || others.length > 0) return 'Usage: npm run contract -- new NAME'
  if (!/^[a-z][a-z0-9]{0,31}$/.test(name)) {
    return `"${name}" is not a name for a contract: use 1 to 32 lower-case letters and digits, beginning with a letter.`
  }
  if (reserved.includes(name) || isKeyword(name)) return `The name ${name} is reserved: choose another.`
  const taken = [`src/contracts/${name}`, `test/contracts/${name}`].find((path) => existsSync(path))
  if (taken !== undefined) return `The name ${name} is taken: ${taken} is there already.`
}

/** Whether TypeScript refuses it as the name of a constant. */
function isKeyword(word) {
  try {
    new Function(`'use strict'; const ${word} = 0`)
    return false
  } catch {
    return true
  }
}

/** The list at `path` with the contract at its end. */
function withContract(path, file) {
  const text = readFileSync(path, 'utf8')
  const line = `import { ${name} } from './${name}/${file}'\n`
  const lastImport = text.lastIndexOf('\nimport { ', text.indexOf(`/${file}'`, text.lastIndexOf(`/${file}'`) - 1))
  const at = text.indexOf('\n', lastImport + 1) + 1
  const imported = text.slice(0, at) + line + text.slice(at)
  return imported.replace(/((?:contracts = \[|ContractDescription>> = \{)[^\]}]*?),?\s*([\]}])/, `$1, ${name}$2`)
}
