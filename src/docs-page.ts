/** The interactive reference of a contract: a frame for what assets/docs.js fills with the contract's document. */
import { html } from 'hono/html'
import { assetsPath } from './http/assets'
import type { Summary } from './index-page'

/** `data:` is for the arrows and the like that the library's style holds. */
export const docsPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

export async function docsPage(contracts: readonly Summary[], shown: Summary): Promise<string> {
  const links = contracts.map(
    ({ name, title }) =>
      html`<a href="/docs/${name}" title="${title}" ${name === shown.name ? html`aria-current="page"` : ''}
        >${name}</a
      >`,
  )
  const page = await html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${shown.title} · Usher</title>
        <link rel="icon" href="${assetsPath}/icon.svg" />
        <link rel="preload" as="style" href="${assetsPath}/swagger-ui/swagger-ui.css" />
        <link rel="stylesheet" href="${assetsPath}/docs.css" />
        <script defer src="${assetsPath}/swagger-ui/swagger-ui-bundle.js"></script>
        <script type="module" src="${assetsPath}/docs.js"></script>
      </head>
      <body data-document="/doc/${shown.name}">
        <header>
          <a class="home" href="/">Usher</a>
          <nav aria-label="Contracts">${links}</nav>
          <p id="credential" role="status"></p>
        </header>
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
