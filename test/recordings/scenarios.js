/**
 * The actions of invented users through each contract, for recordings. `ask` sends a request and returns the response.
 * No scenario lists the roles, because the list would change with every new permission.
 */

const plainRole = '019a0000-0000-7000-8000-000000000002'
const adminRole = '019a0000-0000-7000-8000-000000000001'
const password = 'seven small boats'
const bearer = (token) => ({ authorization: `Bearer ${token}` })

async function personnel(ask, admin) {
  await ask('GET', '/users/list')
  await ask('POST', '/token', { form: { username: admin.email, password: 'not the password' } })
  const { body } = await ask('POST', '/token', { form: { username: admin.email, password: admin.password } })
  const headers = bearer(body.access_token)
  const user = (matricule, nom, email) => ({ matricule, nom, email, password, role_id: plainRole })
  const people = []
  for (const [matricule, nom] of [
    [4821, 'Aïcha Lemoine'],
    [4100, 'Tomas Bek'],
    [5120, 'Noor Haddad'],
    [77, 'Łucja Wójcik'],
  ]) {
    const email = `${nom
      .split(' ')[0]
      .normalize('NFD')
      .replace(/[^a-z]/gi, '')
      .toLowerCase()}@personnel.example`
    people.push((await ask('POST', '/users/create', { headers, json: user(matricule, nom, email) })).body)
  }
  const [aicha, tomas, noor] = people
  await ask('GET', '/users/list', { headers })
  await ask('GET', `/users/${aicha.user_id}`, { headers })
  await ask('GET', '/users/4821', { headers })
  await ask('GET', '/users/999999', { headers })
  await ask('POST', '/users/create', { headers, json: { matricule: 'x', email: 'nowhere', password: 'abc' } })
  await ask('POST', '/users/create', { headers, json: user(4821, 'Someone Else', 'else@personnel.example') })
  await ask('PUT', '/users/update', { headers, json: { user_id: aicha.user_id, nom: 'Aïcha Lemoine-Diallo' } })
  await ask('PUT', '/users/update', { headers, json: { user_id: '5120', email: 'noor.haddad@personnel.example' } })
  const own = await ask('POST', '/token', { form: { username: '4821', password } })
  await ask('GET', '/users/list', { headers: bearer(own.body.access_token) })
  await ask('GET', `/users/${aicha.user_id}`, { headers: bearer(own.body.access_token) })
  const form = { grant_type: 'refresh_token', refresh_token: own.body.refresh_token }
  const renewed = await ask('POST', '/token', { form })
  await ask('GET', '/users/4821', { headers: bearer(renewed.body.access_token) })
  await ask('POST', '/logout', { headers: bearer(renewed.body.access_token) })
  await ask('GET', '/users/4821', { headers: bearer(renewed.body.access_token) })
  await ask('DELETE', `/users/delete/${tomas.user_id}`, { headers })
  await ask('DELETE', `/users/delete/${noor.user_id}`, { headers })
  await ask('GET', `/users/${tomas.user_id}`, { headers })
  await ask('GET', '/users/list', { headers })
  await ask('PATCH', '/users/update', { headers, json: {} })
  await ask('GET', '/static/logo.svg')
  await ask('POST', '/logout', { headers })
}

async function v1(ask, admin) {
  await ask('GET', '/v1/users')
  const login = { identifier: admin.email, password: admin.password }
  const { body } = await ask('POST', '/v1/auth/login', { json: login })
  const headers = bearer(body.access_token)
  const reception = { name: 'reception', permissions: ['users:read'], description: 'At the door' }
  const role = (await ask('POST', '/v1/roles', { headers, json: reception })).body
  await ask('GET', `/v1/roles/${role.id}`, { headers })
  const people = []
  for (const [name, more] of [
    ['Noor Haddad', { username: 'noor', birth_date: '1988-04-02', phone: '+33 1 70 18 00 00' }],
    ['Idris Vance', { role: 'reception', country_id: 33 }],
    ['Lena Sato', { user_type: 'clinician', gender: 'female' }],
    ['Rui Tavares', {}],
  ]) {
    const email = `${name.split(' ')[0].toLowerCase()}@v1.example`
    people.push(await ask('POST', '/v1/users', { headers, json: { name, email, password, ...more } }))
  }
  const [noor, idris, lena, rui] = people.map((each) => each.body)
  await ask('POST', '/v1/users', { headers, json: { name: 'Noor Again', email: 'noor@v1.example', password } })
  await ask('POST', '/v1/users', { headers, json: { name: '', email: 'nowhere' } })
  await ask('GET', `/v1/users/${noor.id}`, { headers })
  await ask('GET', `/v1/users/${noor.id}`, { headers: { ...headers, 'if-none-match': people[0].etag } })
  const change = { headers: { ...headers, 'if-match': people[0].etag }, json: { phone: '+33 1 70 18 00 01' } }
  const changed = await ask('PATCH', `/v1/users/${noor.id}`, change)
  await ask('PATCH', `/v1/users/${noor.id}`, change)
  await ask('PUT', `/v1/users/${noor.id}`, {
    headers: { ...headers, 'if-match': changed.etag },
    json: { gender: 'female' },
  })
  await ask('PUT', `/v1/users/${lena.id}/roles`, { headers, json: { roles: ['reception', 'user'] } })
  const first = (await ask('GET', '/v1/users?limit=2&sort=name', { headers })).body
  await ask('GET', `/v1/users?limit=2&sort=name&cursor=${encodeURIComponent(first.pagination.next_cursor)}`, {
    headers,
  })
  await ask('GET', '/v1/users?search=noor', { headers })
  await ask('GET', '/v1/users?role=reception&status=active', { headers })
  await ask('GET', '/v1/users?limit=900', { headers })
  await ask('POST', `/v1/users/${rui.id}/deactivate`, { headers })
  await ask('POST', `/v1/users/${rui.id}/activate`, { headers })
  const own = (await ask('POST', '/v1/auth/login', { json: { identifier: 'idris@v1.example', password } })).body
  await ask('GET', '/v1/me', { headers: bearer(own.access_token) })
  await ask('DELETE', `/v1/users/${noor.id}`, { headers: bearer(own.access_token) })
  const renewed = (await ask('POST', '/v1/auth/refresh', { json: { refresh_token: own.refresh_token } })).body
  await ask('PATCH', '/v1/me', { headers: bearer(renewed.access_token), json: { first_name: 'Idriss' } })
  await ask('GET', `/v1/users/${idris.id}/sessions`, { headers })
  const key = { name: 'rota', permissions: ['users:read'] }
  const made = (await ask('POST', '/v1/api-keys', { headers, json: key })).body
  await ask('GET', `/v1/users/${lena.id}`, { headers: bearer(made.key) })
  await ask('GET', '/v1/api-keys', { headers })
  await ask('DELETE', `/v1/api-keys/${made.id}`, { headers })
  await ask('GET', `/v1/users/${lena.id}`, { headers: bearer(made.key) })
  await ask('DELETE', `/v1/users/${rui.id}`, { headers })
  await ask('GET', `/v1/users/${rui.id}`, { headers })
  await ask('GET', '/v1/audit-events?limit=5', { headers })
  await ask('POST', '/v1/auth/logout', { headers })
  await ask('GET', '/v1/me', { headers })
}

async function rbac(ask, admin) {
  await ask('GET', '/api/v1/users')
  await ask('POST', '/api/v1/auth/login', { json: { email: admin.email, password: 'not the password' } })
  const login = { email: admin.email, password: admin.password }
  const { body } = await ask('POST', '/api/v1/auth/login', { json: login })
  const headers = bearer(body.access_token)
  const people = []
  for (const [first_name, last_name, more] of [
    ['Tamsin', 'Okello', {}],
    ['Idris', 'Vance', { role_ids: [adminRole, plainRole] }],
    ['Noor', 'Haddad', { is_active: false }],
    ['Zofia', 'Álvarez', {}],
  ]) {
    const json = { email: `${first_name.toLowerCase()}@rbac.example`, password, first_name, last_name, ...more }
    people.push((await ask('POST', '/api/v1/users', { headers, json })).body)
  }
  const [tamsin, , , zofia] = people
  await ask('GET', '/api/v1/users', { headers })
  await ask('GET', '/api/v1/users?page=2&limit=2', { headers })
  await ask('GET', '/api/v1/users?search=okello', { headers })
  await ask('GET', '/api/v1/users?limit=0&page=x', { headers })
  await ask('GET', `/api/v1/users/${tamsin.id}`, { headers })
  await ask('GET', '/api/v1/users/not-a-uuid', { headers })
  await ask('GET', `/api/v1/users/${plainRole}`, { headers })
  const again = { email: 'tamsin@rbac.example', password, first_name: 'Tamsin', last_name: 'Again' }
  await ask('POST', '/api/v1/users', { headers, json: again })
  await ask('POST', '/api/v1/users', { headers, json: { email: 'nowhere', is_active: 'maybe' } })
  await ask('PUT', `/api/v1/users/${tamsin.id}`, { headers, json: { last_name: 'Okello-Byrne' } })
  await ask('PUT', `/api/v1/users/${tamsin.id}`, { headers, json: { role_ids: [adminRole] } })
  const own = (await ask('POST', '/api/v1/auth/login', { json: { email: 'zofia@rbac.example', password } })).body
  await ask('GET', `/api/v1/users/${zofia.id}`, { headers: bearer(own.access_token) })
  await ask('GET', '/api/v1/users', { headers: bearer(own.access_token) })
  const renewed = (await ask('POST', '/api/v1/auth/refresh', { json: { refresh_token: own.refresh_token } })).body
  await ask('POST', '/api/v1/auth/logout', { headers: bearer(renewed.access_token) })
  await ask('GET', `/api/v1/users/${zofia.id}`, { headers: bearer(renewed.access_token) })
  await ask('DELETE', `/api/v1/users/${zofia.id}`, { headers })
  await ask('GET', `/api/v1/users/${zofia.id}`, { headers })
  await ask('GET', '/api/v1/users', { headers })
  await ask('GET', '/api/v1/teams', { headers })
  await ask('POST', '/api/v1/auth/logout', { headers })
}

async function clinic(ask, admin) {
  const path = '/users/user'
  await ask('GET', `${path}/search/?query_string=`)
  await ask('POST', `${path}/login/`, { form: { username: admin.email, password: 'not the password' } })
  await ask('POST', `${path}/login/`, { form: { username: admin.email, password: admin.password } })
  const person = (username, first_name, last_name, more) => ({
    username,
    first_name,
    last_name,
    email: `${username}@clinic.example`,
    user_type: 'CL',
    gender: 'F',
    ...more,
  })
  const ids = []
  for (const form of [
    person('ines.caron', 'Inès', 'Caron', { birth_date: '1988-04-02', phone: '+33 1 70 18 44 01', password }),
    person('idris.vance', 'Idris', 'Vance', { user_type: 'TE', gender: 'M', numeric_password: '4821' }),
    person('noor.haddad', 'Noor', 'Haddad', { is_admin: 'true', mobile: '+33 6 70 18 44 02' }),
    person('tomas.bek', 'Tomas', 'Bek', { user_type: 'ST', gender: 'U', is_active: 'false' }),
  ]) {
    ids.push((await ask('POST', `${path}/new/`, { form })).body.data.id)
  }
  const [ines, idris] = ids
  await ask('POST', `${path}/new/`, { form: person('ines.caron', 'Inès', 'Again') })
  await ask('POST', `${path}/new/`, { form: { first_name: 'Nobody', email: 'nowhere', gender: 'X' } })
  await ask('GET', `${path}/search/?query_string=`)
  await ask('GET', `${path}/search/?query_string=clinic.example+ines`)
  await ask('GET', `${path}/search/?query_string=nobody-like-this`)
  await ask('GET', `${path}/search/`)
  await ask('GET', `${path}/${ines}/get_user_info/`)
  await ask('GET', `${path}/99999/get_user_info/`)
  await ask('GET', `${path}/none/get_user_info/`)
  await ask('POST', `${path}/${ines}/edit/`, {
    form: person('ines.caron', 'Inès', 'Caron-Diallo', { is_active: 'on', birth_date: '02 Apr 1988' }),
  })
  await ask('POST', `${path}/${ines}/edit/`, { form: { last_name: '' } })
  await ask('POST', `${path}/${idris}/deactivate/`)
  await ask('GET', `${path}/${idris}/get_user_info/`)
  await ask('POST', `${path}/${idris}/activate/`)
  await ask('GET', `${path}/new/`)
  await ask('GET', `${path}/search?query_string=bek`)
  await ask('GET', '/static/most.css')
  await ask('GET', `${path}/logout/`)
  await ask('GET', `${path}/${ines}/get_user_info/`)
  await ask('POST', `${path}/login/`, { form: { username: 'ines.caron', password } })
  await ask('GET', `${path}/${ines}/get_user_info/`)
  await ask('GET', `${path}/${idris}/get_user_info/`)
  await ask('GET', `${path}/search/?query_string=bek`)
  await ask('POST', `${path}/${ines}/edit/`, { form: person('ines.caron', 'Inès', 'Caron', { is_admin: 'true' }) })
  await ask('GET', `${path}/logout/`)
}

async function backoffice(ask, admin) {
  const users = '/api/v1/users'
  await ask('GET', users)
  const login = { username: admin.email, password: admin.password }
  const { body } = await ask('POST', '/api/login', { json: login })
  const headers = bearer(body.token)
  const person = (username, first_name, last_name, more) => ({
    username,
    first_name,
    last_name,
    email: `${username}@backoffice.example`,
    gender: 'male',
    birthday: '1991-06-14',
    password,
    password_confirmation: password,
    ...more,
  })
  const ids = []
  for (const json of [
    person('rui.tavares', 'Rui', 'Tavares', { country_id: 351 }),
    person('lena.sato', 'Lena', 'Sato', { gender: 'female', role_id: 1 }),
    person('tomas.bek', 'Tomas', 'Bek', { user_status: 'inactive' }),
    person('noor.haddad', 'Noor', 'Haddad', { gender: 'female' }),
  ]) {
    ids.push((await ask('POST', users, { headers, json })).body.data.user_id)
  }
  const [rui, , , noor] = ids
  await ask('GET', users, { headers })
  await ask('GET', `${users}?page=2&per_page=2`, { headers })
  await ask('GET', `${users}?search=tavares&status=active`, { headers })
  await ask('GET', `${users}?role_id=1`, { headers })
  await ask('GET', `${users}?gender=none`, { headers })
  await ask('GET', `${users}/${rui}`, { headers })
  await ask('GET', `${users}/99999`, { headers })
  await ask('POST', users, { headers, json: { username: '', email: 'nowhere', gender: 'x' } })
  await ask('POST', users, {
    headers,
    json: person('rui.tavares', 'Rui', 'Again', { email: 'again@backoffice.example' }),
  })
  await ask('PUT', `${users}/${rui}`, { headers, json: { last_name: 'Tavares Reis' } })
  await ask('PUT', `${users}/${rui}`, { headers, json: { user_status: 'inactive', role_id: 2 } })
  await ask('PUT', `${users}/${rui}`, { headers, json: { birthday: 'yesterday' } })
  const own = (await ask('POST', '/api/login', { json: { username: 'noor.haddad', password } })).body
  await ask('GET', users, { headers: bearer(own.token) })
  await ask('POST', '/api/logout', { headers: bearer(own.token) })
  await ask('POST', '/api/login', { json: login })
  await ask('DELETE', `${users}/${noor}`, { headers })
  await ask('GET', `${users}/${noor}`, { headers })
  await ask('GET', users, { headers })
  await ask('GET', '/api/v1/reports', { headers })
  await ask('POST', '/api/logout', { headers })
}

/** The requests of Entra ID and Okta: look up, create, change and deactivate users, and synchronise groups. */
async function scim(ask, _, newKey) {
  const [users, groups] = ['/v2/Users', '/v2/Groups']
  const urn = 'urn:ietf:params:scim'
  const enterprise = `${urn}:schemas:extension:enterprise:2.0:User`
  await ask('GET', users)
  await ask('GET', '/v2/ServiceProviderConfig')
  await ask('GET', '/v2/ResourceTypes')
  await ask('GET', `/v2/Schemas/${urn}:schemas:core:2.0:Group`)
  const headers = bearer(
    await newKey([
      'users:read',
      'users:create',
      'users:update',
      'users:deactivate',
      'users:delete',
      'roles:read',
      'roles:assign',
      'roles:manage',
    ]),
  )
  const send = (method, path, json) =>
    ask(method, path, { headers: { ...headers, 'content-type': 'application/scim+json' }, json })
  const find = (path, filter) => ask('GET', `${path}?filter=${encodeURIComponent(filter)}`, { headers })
  const patch = (path, ...Operations) =>
    send('PATCH', path, { schemas: [`${urn}:api:messages:2.0:PatchOp`], Operations })
  const ids = []
  for (const [givenName, familyName, more] of [
    ['Ines', 'Moreau', { title: 'Radiologist', [enterprise]: { department: 'Imaging', employeeNumber: '4821' } }],
    ['Tomas', 'Bek', { phoneNumbers: [{ value: '+33 1 70 18 55 01', type: 'work' }] }],
    ['Noor', 'Haddad', { active: false }],
    ['Rui', 'Tavares', { addresses: [{ type: 'work', locality: 'Porto', country: 'PT' }] }],
  ]) {
    const userName = `${givenName.toLowerCase()}@scim.example`
    await find(users, `userName eq "${userName}"`)
    const user = {
      schemas: [`${urn}:schemas:core:2.0:User`, enterprise],
      externalId: `00u-${givenName}`,
      userName,
      name: { givenName, familyName },
      active: true,
      emails: [{ value: userName, type: 'work', primary: true }],
      ...more,
    }
    ids.push((await send('POST', users, user)).body.id)
  }
  const [ines, tomas, noor, rui] = ids
  await send('POST', users, { schemas: [`${urn}:schemas:core:2.0:User`], userName: 'INES@scim.example' })
  await send('POST', users, { schemas: [`${urn}:schemas:core:2.0:User`], userName: 'no address' })
  const shown = await ask('GET', `${users}/${ines}`, { headers })
  await ask('GET', `${users}/${ines}`, { headers: { ...headers, 'if-none-match': shown.etag } })
  await ask('GET', `${users}/00919288221112222`, { headers })
  await patch(`${users}/${ines}`, { op: 'Replace', path: 'emails[type eq "work"].value', value: 'im@scim.example' })
  await patch(`${users}/${tomas}`, { op: 'Replace', path: 'active', value: 'False' })
  await patch(`${users}/${noor}`, { op: 'replace', value: { active: true, 'name.familyName': 'Haddad-Roy' } })
  await patch(`${users}/${noor}`, { op: 'add', path: `${enterprise}:manager`, value: ines })
  await patch(`${users}/${noor}`, { op: 'replace', path: 'hobby', value: 'chess' })
  await send('PUT', `${users}/${rui}`, {
    schemas: [`${urn}:schemas:core:2.0:User`],
    id: rui,
    userName: 'rui.tavares',
    name: { givenName: 'Rui', familyName: 'Tavares Reis' },
    active: true,
  })
  const group = { schemas: [`${urn}:schemas:core:2.0:Group`], displayName: 'Radiologists', externalId: 'g-1' }
  const { id } = (await send('POST', groups, { ...group, members: [{ value: ines }] })).body
  await send('POST', groups, group)
  await patch(`${groups}/${id}`, { op: 'Add', path: 'members', value: [{ value: rui }, { value: noor }] })
  await ask('GET', `${groups}/${id}`, { headers })
  await ask('GET', `${users}/${rui}?attributes=userName,groups`, { headers })
  await find(groups, `id eq "${id}" and members eq "${rui}"`)
  await patch(`${groups}/${id}`, { op: 'remove', path: `members[value eq "${rui}"]` })
  await ask('PATCH', `${groups}/${id}?attributes=members`, {
    headers,
    json: {
      schemas: [`${urn}:api:messages:2.0:PatchOp`],
      Operations: [{ op: 'replace', path: 'displayName', value: 'Imaging' }],
    },
  })
  await ask('GET', `${groups}?excludedAttributes=members`, { headers })
  await ask('GET', users, { headers })
  await ask('GET', `${users}?startIndex=2&count=2&sortBy=displayName`, { headers })
  const first = (await ask('GET', `${users}?cursor=&count=3&attributes=userName`, { headers })).body
  await ask('GET', `${users}?cursor=${first.nextCursor}&count=3&attributes=userName`, { headers })
  await send('POST', `${users}/.search`, {
    schemas: [`${urn}:api:messages:2.0:SearchRequest`],
    filter: 'active eq false',
  })
  await find(users, 'title eq "Radiologist"')
  await ask('DELETE', `${groups}/${id}`, { headers })
  await ask('DELETE', `${users}/${noor}`, { headers })
  await ask('GET', `${users}/${noor}`, { headers })
  await ask('GET', '/v2/Reports', { headers })
}

export const scenarios = { personnel, v1, rbac, clinic, backoffice, scim }
