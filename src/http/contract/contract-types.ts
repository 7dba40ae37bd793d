/** The types of a contract, for the contracts and for the code that serves them. */
import type { OpenAPIHono } from '@hono/zod-openapi'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { Caller, Visit } from '../../core/access/caller'
import type { Database } from '../../database/database'
import type { Configuration, Env } from '../../env'
import type { OriginalSignIn } from '../upstreams/original-sign-in'
import type { Failure } from './failure'

export interface ContractEnv {
  Bindings: Env
  Variables: {
    requestId: string
    configuration: Configuration
    database: Database
    contract: ContractTraits
    visit: Visit
    /** The credential of the request, before the database has checked it. */
    credential?: Caller['credential']
    caller?: Caller
    /** Sent instead of a credential, by a request that ends its session. */
    refreshToken?: string
  }
}

export interface ContractTraits {
  /** Also the base path, and the contract's name in the audit trail. */
  name: string
  title: string
  /** On its own host the contract responds at the root. True if it also responds under its base path there. */
  keepsBasePathOnHost?: boolean
  /** Clients of the original API may omit the content type of a JSON body. */
  assumesJson?: boolean
  /** Whether some operations read forms. */
  readsForms?: boolean
  /** Whether every path ends in a slash. A GET without it is redirected. */
  trailingSlashes?: boolean
  /** Whether a slash at the end of a path makes no difference. */
  ignoresTrailingSlash?: boolean
  /** The rate limiter of a session or API key; `PRINCIPAL_LIMITER` by default. */
  credentialLimiter?: 'PROVISIONING_LIMITER'
  /** The description of the contract in its document. */
  description: string
  /** The groups of operations in the OpenAPI document, if there are several. Each operation names one in `tags`. */
  tags?: readonly { name: string; description: string }[]
  /**
   * Renders the failure of a request for `path` in the contract's format. Headers that all contracts need are added
   * later.
   */
  toFailureResponse: (failure: Failure, path: string) => FailureResponse
  /** Set if the original can check the passwords of pending users. The contract may then be an upstream. */
  originalSignIn?: OriginalSignIn
}

export interface FailureResponse {
  status: ContentfulStatusCode
  body: object
  /** `application/json` by default. */
  contentType?: string
}

export type ContractApp = OpenAPIHono<ContractEnv>
export interface Contract extends ContractTraits {
  app: ContractApp
}
