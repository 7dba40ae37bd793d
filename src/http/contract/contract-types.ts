/** What a contract is, to those who serve it and to those who answer for it. */
import type { OpenAPIHono } from '@hono/zod-openapi'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { Caller, Visit } from '../../core/access/caller'
import type { Database } from '../../database/database'
import type { Configuration, Env } from '../../env'
import type { Failure } from './failure'

export interface ContractEnv {
  Bindings: Env
  Variables: {
    requestId: string
    configuration: Configuration
    database: Database
    contract: ContractTraits
    visit: Visit
    /** What the request came on, before anybody asked whether it holds. */
    credential?: Caller['credential']
    caller?: Caller
    /** Sent instead of a credential, by a request that ends its session. */
    refreshToken?: string
  }
}

export interface ContractTraits {
  /** Also its base path, and the name the audit trail knows it by. */
  name: string
  title: string
  /** On a host of its own the contract answers at the root; true if there also under its base path. */
  keepsBasePathOnHost?: boolean
  /** Clients of the original may leave out the content type of a JSON body. */
  assumesJson?: boolean
  /** Some of its operations read forms. */
  readsForms?: boolean
  /** Every path ends in a slash: a GET of one of them without it is sent to the one with it. */
  trailingSlashes?: boolean
  /** The description of the contract in its document. */
  description: string
  /** The resources that its operations are grouped by in its document, where it has several; each operation names one in `tags`. */
  tags?: readonly { name: string; description: string }[]
  /** The failure of a request for `path` in the contract's words; headers that every contract needs are added here. */
  toFailureResponse: (failure: Failure, path: string) => FailureResponse
}

export interface FailureResponse {
  status: ContentfulStatusCode
  body: object
  /** `application/json` unless said otherwise. */
  contentType?: string
}

export type ContractApp = OpenAPIHono<ContractEnv>
export interface Contract extends ContractTraits {
  app: ContractApp
}
