/** SCIM 2.0: users and groups as identity providers provision them. */
import { finishContract } from '../../../http/contract/contract'
import { contract } from './contract'
import './users'
import './groups'
import './discovery'

export const scim = finishContract(contract)
