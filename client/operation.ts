/** How an operation is asked for: the parts of its input by where they go, a path's being those it names. */
export interface Operation {
  method: string
  /** `{name}` for parameters. */
  path: string
  query?: readonly string[]
  headers?: readonly string[]
  /** The type of its body. */
  sends?: string
  /** It takes no credential. */
  anonymous?: true
}
