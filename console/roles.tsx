/** Roles, with their holders and permissions. */
import { useState } from 'preact/hooks'
import type { Permission, Role } from '../client/index.ts'
import { usher } from './directory.ts'
import {
  Badge,
  counted,
  Field,
  FormDialog,
  Load,
  PermissionBoxes,
  Permissions,
  Screen,
  Table,
  useViewer,
} from './elements.tsx'
import { useLoaded } from './loading.ts'

/** The two built-in roles stay as they are. */
const isBuiltIn = ({ number }: Role) => number <= 2

export function Roles() {
  const { can } = useViewer()
  const [changed, setChanged] = useState<Role | 'new'>()
  const [removed, setRemoved] = useState<Role>()
  const roles = useLoaded(async () => {
    const { data } = (await usher.listRoles()).body
    if (!can('users:read')) return data.map((role) => ({ role, holders: undefined }))
    const totals = await Promise.all(data.map(({ name }) => usher.listUsers({ role: name, limit: 1 })))
    return data.map((role, index) => ({ role, holders: totals[index]?.body.pagination.total }))
  }, [])
  const mayManage = can('roles:manage')
  const close = () => {
    setChanged(undefined)
    setRemoved(undefined)
  }
  const done = () => {
    close()
    roles.reload()
  }
  return (
    <Screen
      title="Roles"
      lead="What people may do comes from their roles, in every contract."
      actions={
        mayManage && (
          <button type="button" class="primary" onClick={() => setChanged('new')}>
            New role
          </button>
        )
      }
    >
      <Load of={roles}>
        {(list) => (
          <Table
            label="Roles"
            columns={['Name', 'Number', 'Holders', 'Permissions', ...(mayManage ? [''] : [])]}
            rows={list.map(({ role, holders }) => ({
              key: role.id,
              cells: [
                <>
                  {role.name} {isBuiltIn(role) && <Badge kind="quiet">built in</Badge>}
                  {role.description && <p class="quiet">{role.description}</p>}
                </>,
                role.number,
                holders === undefined ? (
                  <span class="quiet">needs users:read</span>
                ) : (
                  <a class="nowrap" href={`/console?role=${encodeURIComponent(role.name)}`}>
                    {counted(holders, 'person', 'people')}
                  </a>
                ),
                <Permissions of={role.permissions} />,
                ...(mayManage
                  ? [
                      !isBuiltIn(role) && (
                        <div class="actions">
                          <button type="button" aria-label={`Change ${role.name}`} onClick={() => setChanged(role)}>
                            Change
                          </button>
                          <button type="button" aria-label={`Delete ${role.name}`} onClick={() => setRemoved(role)}>
                            Delete
                          </button>
                        </div>
                      ),
                    ]
                  : []),
              ],
            }))}
          />
        )}
      </Load>
      {changed && <RoleForm role={changed === 'new' ? undefined : changed} onClose={close} onSaved={done} />}
      {removed && (
        <FormDialog
          title={`Delete the role ${removed.name}?`}
          action="Delete"
          isDanger
          onClose={close}
          save={async () => {
            await usher.deleteRole({ id: removed.id })
            done()
          }}
        >
          <p>A role that somebody holds cannot be deleted.</p>
        </FormDialog>
      )}
    </Screen>
  )
}

function RoleForm({ role, onClose, onSaved }: { role: Role | undefined; onClose: () => void; onSaved: () => void }) {
  const [name, setName] = useState(role?.name ?? '')
  const [description, setDescription] = useState(role?.description ?? '')
  const [permissions, setPermissions] = useState<Permission[]>(role?.permissions ?? [])
  return (
    <FormDialog
      title={role ? `Change ${role.name}` : 'New role'}
      action={role ? 'Save' : 'Create'}
      onClose={onClose}
      save={async () => {
        if (role) await usher.patchRole({ id: role.id, body: { description, permissions } })
        else await usher.createRole({ body: { name, description, permissions } })
        onSaved()
      }}
    >
      {!role && (
        <Field label="Name" hint="It cannot be changed later.">
          {(id) => <input id={id} required value={name} onInput={(event) => setName(event.currentTarget.value)} />}
        </Field>
      )}
      <Field label="Description">
        {(id) => <input id={id} value={description} onInput={(event) => setDescription(event.currentTarget.value)} />}
      </Field>
      <PermissionBoxes chosen={permissions} onChange={setPermissions} />
    </FormDialog>
  )
}
