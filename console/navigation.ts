/** The screens' URLs: each screen has one, and the browser's history works. */
import { useEffect, useState } from 'preact/hooks'

export interface Place {
  path: string
  query: URLSearchParams
}

const listeners = new Set<() => void>()
const here = (): Place => ({
  path: location.pathname.replace(/(?<=.)\/$/, ''),
  query: new URLSearchParams(location.search),
})
const changed = () => listeners.forEach((listener) => listener())

addEventListener('popstate', changed)

/** The present URL. The component renders again when it changes. */
export function usePlace(): Place {
  const [place, setPlace] = useState(here)
  useEffect(() => {
    const listener = () => setPlace(here())
    listeners.add(listener)
    return () => void listeners.delete(listener)
  }, [])
  return place
}

export function go(href: string): void {
  if (href === location.pathname + location.search) return
  history.pushState(null, '', href)
  changed()
  scrollTo(0, 0)
}

/** Changes the query without a new entry in the history, for filters. An empty value removes its name. */
export function refine(values: Record<string, string>): void {
  const query = new URLSearchParams(location.search)
  for (const [name, value] of Object.entries(values)) {
    if (value === '') query.delete(name)
    else query.set(name, value)
  }
  const text = query.toString()
  history.replaceState(null, '', location.pathname + (text && `?${text}`))
  changed()
}

/** Follows links to the console inside the page. All others are the browser's. */
document.addEventListener('click', (event) => {
  const link = (event.target as Element).closest?.('a[href]') as HTMLAnchorElement | null
  const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey
  if (!link || !isPlain || link.target || link.hasAttribute('download') || event.defaultPrevented) return
  if (link.origin !== location.origin || !/^\/console(\/|$)/.test(link.pathname) || link.hash) return
  event.preventDefault()
  go(link.pathname + link.search)
})
