/** v1: the house contract, a file a resource. */
import { sealed } from '../../../http/contract'
import { contract } from './contract'
import './auth'
import './me'
import './users'

export const v1 = sealed(contract)
