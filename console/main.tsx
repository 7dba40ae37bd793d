/** The console: signs in, then shows the screen of the URL. */
import { render } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { Permission } from '../client/index.ts'
import { usher } from './directory.ts'
import { Failure, ViewerContext, type Viewer } from './elements.tsx'
import { usePlace } from './navigation.ts'
import { onSessionEnded, restore } from './session.ts'
import { Shell } from './shell.tsx'
import { SetPassword, SignIn } from './sign-in.tsx'

type Standing = { viewer?: Viewer; note?: string; error?: unknown } | 'loading'

function Console() {
  const { path } = usePlace()
  const [standing, setStanding] = useState<Standing>('loading')
  const isPublic = path === '/console/set-password'

  const enter = async (permissions: readonly Permission[]) => {
    const { body: user } = await usher.getMe()
    setStanding({ viewer: { user, permissions: new Set(permissions) } })
  }
  const begin = async () => {
    try {
      const permissions = await restore()
      if (permissions) await enter(permissions)
      else setStanding({})
    } catch (error) {
      setStanding({ error })
    }
  }
  useEffect(() => {
    onSessionEnded(() => setStanding({ note: 'Your session has ended.' }))
    if (!isPublic) void begin()
  }, [isPublic])

  if (isPublic) return <SetPassword />
  if (standing === 'loading') {
    return (
      <main class="door">
        <p class="loading" role="status">
          Loading…
        </p>
      </main>
    )
  }
  const { viewer, note, error } = standing
  if (error !== undefined) {
    return (
      <main class="door">
        <h1>Usher console</h1>
        <Failure error={error} retry={() => void begin()} />
      </main>
    )
  }
  if (!viewer) {
    return (
      <SignIn
        note={note}
        onSignedIn={(permissions) => enter(permissions).catch((failure) => setStanding({ error: failure }))}
      />
    )
  }
  return (
    <ViewerContext.Provider value={viewer}>
      <Shell onSignedOut={() => setStanding({ note: 'You have signed out.' })} />
    </ViewerContext.Provider>
  )
}

const root = document.getElementById('console') as HTMLElement
root.replaceChildren()
render(<Console />, root)
