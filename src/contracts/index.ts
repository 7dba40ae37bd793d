/** The registry of contracts: one line per contract. */
import { backoffice } from './backoffice/routes'
import { clinic } from './clinic/routes'
import { personnel } from './personnel/routes'
import { rbac } from './rbac/routes'
import { scim } from './scim/routes'
import { v1 } from './v1/routes'

export const contracts = [personnel, v1, rbac, clinic, backoffice, scim] as const
