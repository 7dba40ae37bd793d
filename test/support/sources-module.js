/**
 * The module `virtual:sources`: the text of each source file, by its path from the root. As modules of their own, the
 * files take seconds to load.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const name = 'virtual:sources'

const filesIn = (folder) =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(ts|tsx|js)$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))

export const sourcesModule = () => ({
  name,
  resolveId: (id) => (id === name ? `\0${name}` : undefined),
  load(id) {
    if (id !== `\0${name}`) return undefined
    const texts = ['src', 'client', 'console']
      .flatMap(filesIn)
      .map((path) => [path, readFileSync(join(root, path), 'utf8')])
    return `export default ${JSON.stringify(Object.fromEntries(texts))}`
  },
})
