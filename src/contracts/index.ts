/** The registry: one line a contract. */
import { personnel } from './personnel/routes'
import { v1 } from './v1/routes'

export const contracts = [personnel, v1] as const
