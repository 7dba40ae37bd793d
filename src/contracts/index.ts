/** The registry: one line a contract. */
import { personnel } from './personnel/routes'
import { rbac } from './rbac/routes'
import { v1 } from './v1/routes'

export const contracts = [personnel, v1, rbac] as const
