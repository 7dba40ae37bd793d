/** Signing in, and choosing a password with the link that an administrator has sent. */
import { useState } from 'preact/hooks'
import type { Permission } from '../client/index.ts'
import { usher } from './directory.ts'
import { Failure, Field } from './elements.tsx'
import { useAction } from './loading.ts'
import { signIn } from './session.ts'

export function SignIn({ note, onSignedIn }: { note?: string; onSignedIn: (permissions: Permission[]) => void }) {
  const [identifier, setIdentifier] = useState('')
  const [password, setPassword] = useState('')
  const { run, error, isRunning } = useAction()
  return (
    <main class="door">
      <Brand />
      <h1>Sign in</h1>
      {note && <p role="status">{note}</p>}
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void run(async () => onSignedIn(await signIn(identifier, password)))
        }}
      >
        <Field label="Email, username or matricule">
          {(id) => (
            <input
              id={id}
              name="identifier"
              autoComplete="username"
              autoCapitalize="none"
              spellcheck={false}
              required
              autoFocus
              value={identifier}
              onInput={(event) => setIdentifier(event.currentTarget.value)}
            />
          )}
        </Field>
        <Field label="Password">
          {(id) => (
            <input
              id={id}
              name="password"
              type="password"
              autoComplete="current-password"
              required
              value={password}
              onInput={(event) => setPassword(event.currentTarget.value)}
            />
          )}
        </Field>
        {error !== undefined && <Failure error={error} />}
        <button type="submit" class="primary">
          {isRunning ? 'Signing in…' : 'Sign in'}
        </button>
      </form>
    </main>
  )
}

export const Brand = () => (
  <p class="brand">
    <img src="/assets/icon.svg" alt="" width="24" height="24" /> Usher
  </p>
)

/** The link of a set-password token. The token is in the fragment, which browsers send to no server. */
export const linkFor = (token: string) => `${location.origin}/console/set-password#${token}`

export function SetPassword() {
  const [password, setPassword] = useState('')
  const [isDone, setDone] = useState(false)
  const { run, error } = useAction()
  const token = location.hash.slice(1)
  return (
    <main class="door">
      <Brand />
      <h1>Choose your password</h1>
      {isDone ? (
        <p role="status">
          Your password is set. <a href="/console">Sign in</a>
        </p>
      ) : (
        <form
          onSubmit={(event) => {
            event.preventDefault()
            void run(async () => {
              await usher.setPassword({ body: { token, new_password: password } })
              setDone(true)
            })
          }}
        >
          <Field label="New password" hint="At least 8 characters. A few words that only you know are better.">
            {(id) => (
              <input
                id={id}
                type="password"
                autoComplete="new-password"
                required
                value={password}
                onInput={(event) => setPassword(event.currentTarget.value)}
              />
            )}
          </Field>
          {error !== undefined && <Failure error={error} />}
          <button type="submit" class="primary" disabled={token === ''}>
            Set the password
          </button>
        </form>
      )}
    </main>
  )
}
