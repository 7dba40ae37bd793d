/** Maps the headings of a table to user fields, by the names that Usher and other systems use. */
import { Stop } from '../stop.js'

/** Further names of each field, normalised by `nameOf`. The list includes a field's own name. */
const names = {
  id: ['id', 'user_id', 'object_id'],
  uid: ['uid'],
  number: ['number'],
  email: [
    ...['email', 'e_mail', 'mail', 'email_address', 'e_mail_address', 'user_email', 'primary_email'],
    ...['courriel', 'adresse_email', 'adresse_e_mail'],
  ],
  name: ['name', 'nom', 'full_name', 'fullname', 'display_name', 'displayname', 'nom_complet'],
  first_name: ['first_name', 'firstname', 'given_name', 'givenname', 'prenom'],
  last_name: ['last_name', 'lastname', 'family_name', 'familyname', 'surname', 'nom_de_famille'],
  username: ['username', 'user_name', 'login', 'user_login', 'user_principal_name', 'userprincipalname'],
  matricule: ['matricule', 'employee_id', 'employee_number', 'idnumber'],
  birth_date: ['birth_date', 'birthdate', 'birthday', 'date_of_birth', 'date_de_naissance'],
  gender: ['gender', 'sex', 'sexe', 'genre'],
  phone: ['phone', 'phone_number', 'telephone', 'telephone_number', 'phone1', 'work_phone', 'primary_phone'],
  mobile: ['mobile', 'mobile_phone', 'mobile_number', 'phone2', 'portable'],
  certified_email: ['certified_email'],
  user_type: ['user_type'],
  country_id: ['country_id'],
  is_staff: ['is_staff'],
  role: ['role', 'role_name'],
  roles: ['roles'],
  status: [
    'status',
    'user_status',
    'account_status',
    'is_active',
    'isactive',
    'active',
    'enabled',
    'account_enabled',
    'statut',
  ],
  inactive: [
    ...['inactive', 'deactivated', 'disabled', 'is_disabled', 'blocked', 'is_blocked', 'suspended', 'is_suspended'],
    ...['banned', 'is_banned', 'block_credential', 'block_sign_in'],
  ],
  activated: ['activated'],
  deleted: ['deleted', 'is_deleted'],
  created_at: [
    ...['created_at', 'created', 'created_on', 'created_date_time', 'when_created', 'timestamp', 'timecreated'],
    ...['date_joined', 'user_registered'],
  ],
  updated_at: ['updated_at', 'updated', 'updated_on', 'last_updated', 'modified_at', 'timemodified'],
  version: ['version'],
  password: ['password', 'mot_de_passe'],
  password_hash: ['password_hash', 'hashed_password', 'encrypted_password', 'password_digest', 'user_pass'],
  password_from: ['password_from'],
  pin_hash: ['pin_hash'],
  /** Known headings without a matching field. */
  nothing: ['user_activation_key'],
}
const kinds = new Map(Object.entries(names).flatMap(([kind, all]) => all.map((name) => [name, kind])))

/** Normalises a heading: `First Name [Required]`, `firstName` and `user.firstName` all become `first_name`. */
export function nameOf(heading) {
  return heading
    .trim()
    .replace(/\s*\[[^\]]*\]$/, '')
    .replace(/^user\./, '')
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '_')
    .replace(/^_|_$/g, '')
}

export const isKnown = (heading) => kinds.has(nameOf(heading))

/** Returns the columns: the name of each heading and, if a user has such a field, its kind. */
export function columnsOf(headings) {
  const all = headings.map(nameOf)
  const columns = all.map((name) => ({ name, kind: kindOf(name, all) }))
  if (!columns.some(({ kind }) => kind && kind !== 'nothing'))
    throw new Stop('No heading matches a user field, such as email, name or number.')
  const seen = new Map()
  for (const [index, { name, kind }] of columns.entries()) {
    if (name === '') continue
    const field = fieldOf(kind) ?? name
    const before = seen.get(field)
    const heading = headings[index].trim()
    if (before !== undefined)
      throw new Stop(`The headings ${before} and ${heading} are for the same field. Remove a column.`)
    seen.set(field, heading)
  }
  return columns
}

function fieldOf(kind) {
  if (kind === 'nothing') return undefined
  return kind === 'inactive' ? 'status' : kind
}

function kindOf(name, all) {
  if (name === 'nom' && all.includes('prenom')) return 'last_name'
  // WordPress has an unused column user_status.
  if (name === 'user_status' && all.includes('user_login')) return 'nothing'
  return kinds.get(name)
}
