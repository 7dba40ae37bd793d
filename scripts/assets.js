/**
 * Prepares assets/: copies the library of the interactive reference to assets/swagger-ui/, and compiles the console and
 * the typed client that it uses to assets/console/. wrangler runs this before it serves or deploys ([build] in
 * wrangler.toml), and the tests run it first. Writes nothing if all files are up to date.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const modules = `${root}node_modules/`

for (const name of ['swagger-ui-dist', 'preact', 'esbuild']) {
  if (!existsSync(modules + name)) throw new Error(`node_modules/${name} is missing: npm ci installs it.`)
}

// Imported after the check, so that a missing package is named.
const { buildSync } = await import('esbuild')

mkdirSync(`${root}assets/swagger-ui/`, { recursive: true })
for (const name of [
  'swagger-ui-bundle.js',
  'swagger-ui-bundle.js.LICENSE.txt',
  'swagger-ui.css',
  'LICENSE',
  'NOTICE',
]) {
  const content = readFileSync(`${modules}swagger-ui-dist/${name}`, 'utf8')
  // The bundle names a source map that is not served.
  write(`swagger-ui/${name}`, content.replace(/\n?\/[/*]# sourceMappingURL=.*$/, ''))
}

const { outputFiles } = buildSync({
  entryPoints: [`${root}console/main.tsx`],
  outfile: `${root}assets/console/console.js`,
  // A table is read by the same code as in `npm run csv`. Its parser has a build for browsers.
  alias: { 'csv-parse/sync': 'csv-parse/browser/esm/sync' },
  loader: { '.md': 'text' },
  tsconfig: `${root}console/tsconfig.json`,
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  write: false,
})
write('console/console.js', outputFiles[0].text)

function write(name, content) {
  const path = `${root}assets/${name}`
  if (contentOf(path) !== content) writeFileSync(path, content)
}

function contentOf(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
