/** The navigation, and the screen of the URL. */
import type { FunctionComponent } from 'preact'
import { useEffect } from 'preact/hooks'
import type { Permission } from '../client/index.ts'
import { ApiKeys } from './api-keys.tsx'
import { Audit } from './audit.tsx'
import { Empty, Screen, useViewer } from './elements.tsx'
import { Export } from './export.tsx'
import { Find } from './find.tsx'
import { Health } from './health.tsx'
import { Import } from './import.tsx'
import { Move } from './move.tsx'
import { go, usePlace } from './navigation.ts'
import { everyPermission } from './permissions.ts'
import { PersonScreen } from './person.tsx'
import { Roles } from './roles.tsx'
import { signOut } from './session.ts'
import { Brand } from './sign-in.tsx'
import { Webhooks } from './webhooks.tsx'

interface Entry {
  name: string
  path: string
  needs: readonly Permission[]
  show: FunctionComponent
}

const entries: readonly Entry[] = [
  { name: 'Find', path: '/console', needs: ['users:read'], show: Find },
  { name: 'Roles', path: '/console/roles', needs: ['roles:read'], show: Roles },
  { name: 'API keys', path: '/console/api-keys', needs: ['api_keys:manage'], show: ApiKeys },
  { name: 'Audit', path: '/console/audit', needs: ['audit:read'], show: Audit },
  { name: 'Import', path: '/console/import', needs: ['users:import'], show: Import },
  { name: 'Export', path: '/console/export', needs: ['users:export'], show: Export },
  { name: 'Webhooks', path: '/console/webhooks', needs: ['webhooks:manage'], show: Webhooks },
  { name: 'Move', path: '/console/move', needs: ['usage:read'], show: Move },
  { name: 'Health', path: '/console/health', needs: everyPermission, show: Health },
]

export function Shell({ onSignedOut }: { onSignedOut: () => void }) {
  const { path } = usePlace()
  const { user, can } = useViewer()
  useEffect(() => {
    const toFind = (event: KeyboardEvent) => {
      const isTyping = (event.target as Element).closest('input, select, textarea, dialog')
      if (event.key !== '/' || isTyping || event.ctrlKey || event.metaKey || event.altKey || !can('users:read')) return
      event.preventDefault()
      go('/console')
      requestAnimationFrame(() => document.querySelector<HTMLInputElement>('input[type=search]')?.focus())
    }
    addEventListener('keydown', toFind)
    return () => removeEventListener('keydown', toFind)
  }, [])
  useEffect(
    () => document.querySelector('nav [aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' }),
    [path],
  )
  const own = `/console/people/${user.id}`
  const leave = async () => {
    await signOut()
    onSignedOut()
  }
  return (
    <div class="shell">
      <a class="skip" href="#screen">
        Skip to the screen
      </a>
      <header class="bar">
        <Brand />
        <nav aria-label="Screens">
          {entries
            .filter(({ needs }) => can(...needs))
            .map(({ name, path: to }) => (
              <a key={to} href={to} aria-current={to === path ? 'page' : undefined}>
                {name}
              </a>
            ))}
        </nav>
        <div class="who">
          <a href={own} aria-current={own === path ? 'page' : undefined} title={user.email}>
            {user.name}
          </a>
          <button type="button" onClick={() => void leave()}>
            Sign out
          </button>
        </div>
      </header>
      <main id="screen" tabIndex={-1}>
        <Shown path={path} />
      </main>
    </div>
  )
}

function Shown({ path }: { path: string }) {
  const { can } = useViewer()
  const person = /^\/console\/people\/(usr_[0-9a-f]{32})$/.exec(path)?.[1]
  if (person) return <PersonScreen key={person} id={person} />
  const entry = entries.find((candidate) => candidate.path === path)
  if (!entry) return <Nothing title="Not found" text="The console has no such screen. Choose one in the navigation." />
  if (!can(...entry.needs)) return <NotAllowed entry={entry} />
  return <entry.show key={path} />
}

function NotAllowed({ entry }: { entry: Entry }) {
  const { user, can } = useViewer()
  const missing = entry.needs.filter((permission) => !can(permission))
  // An account without permissions begins at its own record.
  if (entry.path === '/console') return <PersonScreen id={user.id} />
  return (
    <Nothing title={entry.name} text={`This screen needs a permission that you do not have: ${missing.join(', ')}.`} />
  )
}

const Nothing = ({ title, text }: { title: string; text: string }) => (
  <Screen title={title}>
    <Empty>{text}</Empty>
  </Screen>
)
