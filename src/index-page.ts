/** What a person sees who opens the Worker in a browser. */
import { toBase64, utf8 } from './core/encoding'

interface Summary {
  name: string
  title: string
  description: string
}

const style = `
  :root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }
  body { max-width: 44rem; margin: 12vh auto; padding: 0 1.5rem }
  h1 { margin: 0; font-size: 2rem }
  li { margin: 1rem 0 }
  code { font-size: 1rem; font-weight: 600 }
  a { color: inherit }
`

/** The page, and the policy that allows its one style and nothing else. */
export async function indexPage(
  contracts: readonly Summary[],
): Promise<{ html: string; contentSecurityPolicy: string }> {
  const items = contracts
    .map(
      ({ name, title, description }) =>
        `<li><code>/${name}</code> ${title}: ${description} <a href="/doc/${name}">OpenAPI document</a></li>`,
    )
    .join('\n')
  const html = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Usher</title>
<style>${style}</style>
<h1>Usher</h1>
<p>One user directory, spoken through several user-management APIs.</p>
<ul>
${items}
</ul>
<p><a href="/doc">The document of everything</a> · <a href="/health">Health</a></p>
</html>
`
  const styleHash = toBase64(new Uint8Array(await crypto.subtle.digest('SHA-256', utf8(style))), { padded: true })
  return {
    html,
    contentSecurityPolicy: `default-src 'none'; style-src 'sha256-${styleHash}'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'`,
  }
}
