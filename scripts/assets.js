/**
 * Copies the library of the interactive reference to assets/swagger-ui/. wrangler runs this before it serves or deploys
 * ([build] in wrangler.toml), and the tests run it first. Writes nothing if all files are up to date.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const from = `${root}node_modules/swagger-ui-dist/`
const to = `${root}assets/swagger-ui/`

mkdirSync(to, { recursive: true })
for (const name of [
  'swagger-ui-bundle.js',
  'swagger-ui-bundle.js.LICENSE.txt',
  'swagger-ui.css',
  'LICENSE',
  'NOTICE',
]) {
  const content = contentOf(from + name)
  if (content === undefined) throw new Error(`${from}${name} is missing: npm ci installs it.`)
  // The bundle names a source map that is not served.
  const served = content.replace(/\n?\/[/*]# sourceMappingURL=.*$/, '')
  if (contentOf(to + name) !== served) writeFileSync(to + name, served)
}

function contentOf(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
