/** What D1 refuses of a statement and the database here does not: its documentation says 100 KB and 32 arguments of a function. */

const [longest, mostArguments] = [100_000, 32]

/** The limits that the statement is over, in words. */
export function overLimits(sql: string): string[] {
  const over = functionCalls(sql)
    .filter(({ count }) => count > mostArguments)
    .map(({ name, count }) => `${name} of ${count} arguments`)
  return sql.length > longest ? [`${sql.length} characters`, ...over] : over
}

/** Every name that an opening parenthesis follows at once, and how many arguments there are in it. */
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
