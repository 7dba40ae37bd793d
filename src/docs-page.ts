/**
 * The interactive reference: an index of the contracts, and a page per contract that assets/docs.js fills with its
 * OpenAPI document.
 */
import { html } from 'hono/html'
import { assetsPath } from './http/deployment/assets'
import type { Summary } from './index-page'

/** `data:` allows the images in the library's style sheet. */
export const docsPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

type Html = ReturnType<typeof html>

function head(title: string, further: Html | '' = '') {
  return html`<head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>${title}</title>
    <link rel="icon" href="${assetsPath}/icon.svg" />
    <link rel="stylesheet" href="${assetsPath}/docs.css" />
    ${further}
  </head>`
}

function header(contracts: readonly Summary[], shown: Summary | undefined) {
  const links = contracts.map(
    ({ name, title }) =>
      html`<a href="/docs/${name}" title="${title}" ${name === shown?.name ? html`aria-current="page"` : ''}
        >${name}</a
      >`,
  )
  return html`<header>
    <a class="home" href="/">Usher</a>
    <nav aria-label="Contracts">${links}</nav>
    ${shown ? html`<p id="credential" role="status"></p>` : ''}
  </header>`
}

function retirementNote({ retirement }: Summary) {
  if (!retirement) return ''
  const { text, link } = retirement
  const more = link === undefined ? '' : html` See <a href="${link}">${link}</a>.`
  return html`<p class="retirement" role="note">${text}${more}</p>`
}

/** Returns the page of one contract. */
export async function docsPage(contracts: readonly Summary[], shown: Summary): Promise<string> {
  const library = html`<link rel="preload" as="style" href="${assetsPath}/swagger-ui/swagger-ui.css" />
    <script defer src="${assetsPath}/swagger-ui/swagger-ui-bundle.js"></script>
    <script type="module" src="${assetsPath}/docs.js"></script>`
  const page = await html`<!doctype html>
    <html lang="en">
      ${head(`${shown.title} · Usher`, library)}
      <body data-contract="${shown.name}" data-document="/doc/${shown.name}">
        ${header(contracts, shown)} ${retirementNote(shown)}
        <main id="reference">
          <noscript
            ><p>
              This page needs JavaScript. The document needs none: <a href="/doc/${shown.name}">/doc/${shown.name}</a>
            </p></noscript
          >
        </main>
      </body>
    </html> `
  return String(page)
}

/** Returns the index, with links to each contract's reference and document. */
export async function docsIndexPage(contracts: readonly Summary[]): Promise<string> {
  const entries = contracts.map((contract) => {
    const { name, title, description } = contract
    return html`<li>
      <h2><a href="/docs/${name}">${title}</a></h2>
      <p>${description}</p>
      ${retirementNote(contract)}
      <p class="paths"><code>/${name}</code> · <a href="/doc/${name}">OpenAPI document of ${name}</a></p>
    </li>`
  })
  const page = await html`<!doctype html>
    <html lang="en">
      ${head('Reference · Usher')}
      <body>
        ${header(contracts, undefined)}
        <main class="index">
          <h1>Reference</h1>
          <p>
            One user directory, served through ${contracts.length} APIs. Choose the contract that your application
            speaks; a new application uses <a href="/docs/v1">v1</a>. Everything in one file:
            <a href="/doc">the OpenAPI document of all contracts</a>.
          </p>
          <ul>
            ${entries}
          </ul>
        </main>
      </body>
    </html> `
  return String(page)
}
