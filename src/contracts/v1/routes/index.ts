/** v1: Usher's own contract, one file per resource. */
import { finishContract } from '../../../http/contract/contract'
import { contract } from './contract'
import './users'
import './me'
import './auth'
import './passwords'
import './sessions'
import './roles'
import './api-keys'
import './audit-events'
import './webhooks'
import './imports'
import './exports'
import './usage'
import './migration'
import './diagnostics'

export const v1 = finishContract(contract)
