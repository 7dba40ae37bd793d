/** Describes the request of an operation: where each part of the input goes. Path parameters are named in the path. */
export interface Operation {
  method: string
  /** With `{name}` for parameters. */
  path: string
  query?: readonly string[]
  headers?: readonly string[]
  /** The content type of the body. */
  sends?: string
  /** The operation needs no credential. */
  anonymous?: true
}
