/** The caller's API keys. A key is shown once, when it is created. */
import { useState } from 'preact/hooks'
import type { ApiKey, NewApiKey, Permission } from '../client/index.ts'
import { usher } from './directory.ts'
import {
  Dialog,
  Empty,
  Field,
  FormDialog,
  Load,
  PermissionBoxes,
  Permissions,
  Screen,
  Secret,
  Table,
  Time,
} from './elements.tsx'
import { useLoaded } from './loading.ts'

export function ApiKeys() {
  const [isCreating, setCreating] = useState(false)
  const [revoked, setRevoked] = useState<ApiKey>()
  const keys = useLoaded(async () => (await usher.listApiKeys()).body.data, [])
  return (
    <Screen
      title="API keys"
      lead="Your own, for programs. A key acts as you, within its permissions."
      actions={
        <button type="button" class="primary" onClick={() => setCreating(true)}>
          New API key
        </button>
      }
    >
      <Load of={keys}>
        {(list) =>
          list.length === 0 ? (
            <Empty>You have no valid key.</Empty>
          ) : (
            <Table
              label="API keys"
              columns={['Name', 'Permissions', 'Created (UTC)', 'Last use (UTC)', 'Expires (UTC)', '']}
              rows={list.map((key) => ({
                key: key.id,
                cells: [
                  key.name,
                  <Permissions of={key.permissions} />,
                  <Time at={key.created_at} />,
                  <Time at={key.last_used_at} />,
                  <Time at={key.expires_at} />,
                  <button type="button" aria-label={`Revoke ${key.name}`} onClick={() => setRevoked(key)}>
                    Revoke
                  </button>,
                ],
              }))}
            />
          )
        }
      </Load>
      {isCreating && <NewKey onClose={() => setCreating(false)} onCreated={keys.reload} />}
      {revoked && (
        <FormDialog
          title={`Revoke ${revoked.name}?`}
          action="Revoke"
          isDanger
          onClose={() => setRevoked(undefined)}
          save={async () => {
            await usher.revokeApiKey({ id: revoked.id })
            setRevoked(undefined)
            keys.reload()
          }}
        >
          <p>Programs that use it are refused from now on, and so are the keys that it created.</p>
        </FormDialog>
      )}
    </Screen>
  )
}

function NewKey({ onClose, onCreated }: { onClose: () => void; onCreated: () => void }) {
  const [name, setName] = useState('')
  const [expires, setExpires] = useState('')
  const [permissions, setPermissions] = useState<Permission[]>([])
  const [created, setCreated] = useState<NewApiKey>()
  if (created) {
    return (
      <Dialog title={`The key ${created.name}`} onClose={onClose}>
        <Secret label="API key" value={created.key} />
        <p>It is shown this one time only. Store it where only the program can read it.</p>
        <div class="actions">
          <button type="button" class="primary" onClick={onClose}>
            Done
          </button>
        </div>
      </Dialog>
    )
  }
  return (
    <FormDialog
      title="New API key"
      action="Create"
      onClose={onClose}
      save={async () => {
        const expires_at = expires === '' ? null : `${expires}T00:00:00Z`
        setCreated((await usher.createApiKey({ body: { name, permissions, expires_at } })).body)
        onCreated()
      }}
    >
      <Field label="Name" hint="What the key is for.">
        {(id) => <input id={id} required value={name} onInput={(event) => setName(event.currentTarget.value)} />}
      </Field>
      <Field label="Expires on" hint="At the beginning of this day in UTC. Empty: it does not expire.">
        {(id) => (
          <input id={id} type="date" value={expires} onInput={(event) => setExpires(event.currentTarget.value)} />
        )}
      </Field>
      <PermissionBoxes chosen={permissions} onChange={setPermissions} />
    </FormDialog>
  )
}
