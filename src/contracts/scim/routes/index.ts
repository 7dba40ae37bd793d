/** SCIM 2.0, with which identity providers provision users and groups. */
import { finishContract } from '../../../http/contract/contract'
import { contract } from './contract'
import './users'
import './groups'
import './discovery'

export const scim = finishContract(contract)
