/**
 * Limits that D1 has and the local database does not. D1's documentation names 100 KB a statement and 32 arguments a
 * function.
 */

const [longest, mostArguments] = [100_000, 32]

/** The limits that the statement exceeds, in words. */
export function overLimits(sql: string): string[] {
  const over = functionCalls(sql)
    .filter(({ count }) => count > mostArguments)
    .map(({ name, count }) => `${name} of ${count} arguments`)
  return sql.length > longest ? [`${sql.length} characters`, ...over] : over
}

/** Every function call in a statement, with its number of arguments. A call is a name directly before a parenthesis. */
function functionCalls(sql: string): { name: string; count: number }[] {
  const found: { name: string; count: number }[] = []
  const open: { name: string; count: number }[] = []
  for (const [token] of sql.matchAll(/'(?:[^']|'')*'|"(?:[^"]|"")*"|\w*\(|\)|,/g)) {
    const inner = open.at(-1)
    if (token.endsWith('(')) open.push({ name: token.slice(0, -1), count: 1 })
    else if (token === ',' && inner) inner.count += 1
    else if (token === ')' && inner?.name && open.pop()) found.push(inner)
    else if (token === ')') open.pop()
  }
  return found
}
