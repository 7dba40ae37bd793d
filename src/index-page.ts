/** The page that a browser shows at the root. */
import { html, raw } from 'hono/html'
import { toBase64, utf8 } from './core/encoding'
import { assetsPath } from './http/deployment/assets'

export interface Summary {
  name: string
  title: string
  description: string
  /** What is to be known of the contract's retirement, if it is being retired. */
  retirement?: { text: string; link: string | undefined }
}

const style = `
  :root {
    color-scheme: light dark;
    --accent: light-dark(#0f766e, #5eead4);
    --line: light-dark(#d8dee0, #333c40);
    --quiet: light-dark(#52605f, #a3b1b0);
    --raised: light-dark(#f4f7f7, #1b2224);
    background: light-dark(#fff, #121719);
    color: light-dark(#1b2424, #e6ecec);
    font: 1rem/1.6 system-ui, sans-serif;
  }
  body { max-width: 46rem; margin: 0 auto; padding: clamp(2rem, 9vh, 5.5rem) 1.25rem 3rem }
  h1 { display: flex; align-items: center; gap: .6rem; margin: 0; font-size: 2.25rem; line-height: 1.2; letter-spacing: -.02em }
  h1 img { width: 2.25rem; height: 2.25rem }
  header p { margin: .5rem 0 0; font-size: 1.125rem; color: var(--quiet) }
  h2 { margin: 2.75rem 0 .75rem; font-size: 1.25rem; line-height: 1.3 }
  h3 { margin: 0; font-size: 1.0625rem; line-height: 1.4 }
  p { margin: .5rem 0 }
  a { color: var(--accent); text-underline-offset: .2em }
  a:focus-visible { outline: .15rem solid; outline-offset: .15rem; border-radius: .15rem }
  code, pre { font: .9375em/1.6 ui-monospace, "Cascadia Mono", Menlo, Consolas, monospace }
  ul { margin: 0; padding: 0; list-style: none; border: solid var(--line); border-width: 1px 0 }
  li { display: grid; grid-template-columns: 8.5rem 1fr; gap: .25rem 1rem; padding: 1rem 0 }
  li + li { border-top: 1px solid var(--line) }
  li > code { color: var(--quiet); overflow-wrap: anywhere }
  li p { margin: .15rem 0 .35rem }
  li a { margin-right: 1rem }
  pre { margin: .75rem 0; padding: .9rem 1rem; overflow-x: auto; background: var(--raised); border: 1px solid var(--line); border-radius: .5rem }
  footer { margin-top: 3rem; padding-top: 1rem; border-top: 1px solid var(--line); display: flex; flex-wrap: wrap; gap: .25rem 1.5rem }
  @media (max-width: 34rem) { li { grid-template-columns: 1fr } }
`

/** Returns the page and a policy that allows only its style and icon. `origin` is the origin of the request. */
export async function indexPage(
  contracts: readonly Summary[],
  origin: string,
): Promise<{ html: string; contentSecurityPolicy: string }> {
  const items = contracts.map(
    ({ name, title, description }) =>
      html`<li>
        <code>/${name}</code>
        <div>
          <h3>${title}</h3>
          <p>${description}</p>
          <a href="/docs/${name}" aria-label="Reference of ${title}">Reference</a>
          <a href="/doc/${name}" aria-label="OpenAPI document of ${title}">OpenAPI document</a>
        </div>
      </li>`,
  )
  const page = await html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>Usher</title>
        <meta name="description" content="One user directory, spoken through several user-management APIs." />
        <link rel="icon" href="${assetsPath}/icon.svg" />
        ${raw(`<style>${style}</style>`)}
      </head>
      <body>
        <header>
          <h1><img src="${assetsPath}/icon.svg" alt="" />Usher</h1>
          <p>One user directory, spoken through several user-management APIs.</p>
        </header>
        <main>
          <h2>Contracts</h2>
          <ul>
            ${items}
          </ul>
          <h2>Get started</h2>
          <p>
            Sign in with an email, a username or a matricule, here through the house contract. The
            <code>access_token</code> of the answer holds in every contract.
          </p>
          <pre tabindex="0" aria-label="Signing in with curl"><code>${signInLine(origin)}</code></pre>
          <pre tabindex="0" aria-label="Asking who one is with curl"><code>${whoAmILine(origin)}</code></pre>
          <p>
            Or try every operation in the <a href="/docs">interactive reference</a>: signing in there signs in the page.
          </p>
        </main>
        <footer>
          <a href="/docs">Reference</a>
          <a href="/doc">The document of everything</a>
          <a href="/health">Health</a>
        </footer>
      </body>
    </html> `
  const styleHash = toBase64(new Uint8Array(await crypto.subtle.digest('SHA-256', utf8(style))), { padded: true })
  return {
    html: String(page),
    contentSecurityPolicy: `default-src 'none'; style-src 'sha256-${styleHash}'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'`,
  }
}

const signInLine = (origin: string) => `curl -s ${origin}/v1/auth/login -H 'Content-Type: application/json' \\
  -d '{"identifier": "you@example.org", "password": "your password"}' -w '\\n'`

const whoAmILine = (origin: string) => `curl -s ${origin}/v1/me -H 'Authorization: Bearer the access_token' -w '\\n'`
