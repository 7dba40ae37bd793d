/** Field names that differ between v1 and the core. */

/** Returns v1's name of a core field. */
export function wireName(field: string): string {
  return names[field] ?? field
}

const names: Record<string, string> = {
  active: 'status',
  givenName: 'first_name',
  familyName: 'last_name',
  birthdate: 'birth_date',
  phoneNumber: 'phone',
  mobileNumber: 'mobile',
  certifiedEmail: 'certified_email',
  userType: 'user_type',
  isStaff: 'is_staff',
  countryId: 'country_id',
  currentPassword: 'current_password',
  newPassword: 'new_password',
  passwordHash: 'password_hash',
  passwordFrom: 'password_from',
  pinHash: 'pin_hash',
  createdAt: 'created_at',
  updatedAt: 'updated_at',
}
