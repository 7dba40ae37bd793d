/** The contract the routes of this folder are added to. */
import { createContract } from '../../../http/contract'
import { toFailureResponse } from '../errors'

export const contract = createContract({
  name: 'v1',
  title: 'The house contract',
  description: 'The complete API, for new applications.',
  keepsBasePathOnHost: true,
  toFailureResponse,
})

export const { app } = contract
