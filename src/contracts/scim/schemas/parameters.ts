/** Query parameters for the document. `query.ts` reads them, from the query or from a SearchRequest. */
const parameter = (name: string, description: string, type: 'string' | 'integer' = 'string') =>
  ({ in: 'query', name, required: false, description, schema: { type } }) as const

export const projectionParameters = [
  parameter('attributes', 'The attributes to return, separated by commas'),
  parameter('excludedAttributes', 'The attributes not to return, separated by commas'),
]

export const listParameters = [
  parameter('filter', 'A filter as in RFC 7644: at most 2,000 characters, 50 comparisons and 12 levels'),
  parameter('sortBy', 'The attribute to sort by'),
  parameter('sortOrder', '`ascending` or `descending`'),
  parameter('startIndex', 'The index of the first result, from 1', 'integer'),
  parameter('count', 'The size of the page, at most 200', 'integer'),
  parameter('cursor', 'Where the page begins, as `nextCursor` had it; empty for the first page (RFC 9865)'),
  ...projectionParameters,
]
