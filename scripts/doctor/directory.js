/** Checks the whole directory for consistency, one range at a time. */

const checks = {
  totals: 'totals equal the sums of their spans, and numbers of pending users the counts',
  counts: 'counters equal the counts',
  roles: 'each user’s columns match their roles',
  search: 'search finds each user and nothing else',
  identifiers: 'each user can sign in with their own identifiers only',
  hashes: 'every password can be verified',
}

/** The findings and their remedies. */
const remedies = {
  total_off: ['a total differs from the sum of its spans', 'repair'],
  pending_off: ['the number of an upstream’s pending users differs from the count', 'repair'],
  span_off: ['a span differs from the sum of its parts', 'repair'],
  count_off: ['a counter differs from the count', 'repair'],
  role_columns_off: ['a user’s columns differ from their roles', 'repair'],
  search_entry_missing: ['a user is not in the search index', 'search'],
  search_entry_outdated: ['search does not find a user by their own words', 'search'],
  search_entry_stray: ['the search index has an entry without a user', 'repair'],
  identifier_missing: ['a user’s email, username or matricule is not a login identifier', 'repair'],
  identifier_stray: ['a login identifier is not the user’s', 'repair'],
  identifier_outdated: ['a user’s email, username or name is folded differently than by this version', 'fold'],
  hash_unverifiable: ['a password cannot be verified here: its user cannot sign in', 'password'],
}

const toDo = {
  repair: 'npx wrangler d1 execute DB --remote --env … --file scripts/repair.sql',
  search: 'Change their name and change it back, which rewrites the entry.',
  fold: 'Change the field and change it back, which folds it again.',
  password: 'Issue a set-password token for each: POST /v1/users/{id}/password-token.',
}

export async function checkDirectory(client, report) {
  report.title('The directory')
  for (const [check, promise] of Object.entries(checks)) {
    const { failed, users, found, hashes } = await walk(client, check, report)
    if (failed) {
      report.fail(`${promise}: ${failed} after ${users} users`, 'See the Worker’s log. The check is incomplete.')
      continue
    }
    for (const { format, standing, count } of hashes.values()) {
      report.info(
        `passwords stored as ${format}: ${count}${standing === 'outdated' ? ', renewed at the next sign-in' : ''}`,
      )
    }
    if (found.size === 0) report.ok(`${promise}${users > 0 ? ` (${users.toLocaleString('en')} users)` : ''}`)
    for (const [finding, { count, examples }] of found) {
      const [what, mends] = remedies[finding] ?? [finding]
      report.fail(`${what}: ${count} (${examples.join('; ')}${count > examples.length ? '; …' : ''})`, toDo[mends])
    }
  }
}

/** Runs a check over all ranges and adds up the results. */
async function walk(client, check, report) {
  const found = new Map()
  const hashes = new Map()
  let users = 0
  for (let cursor = ''; cursor !== null;) {
    report.progress(`${check}: ${users.toLocaleString('en')} users…`)
    const { status, body } = await client.ask(`/diagnostics/directory?check=${check}${cursor && `&cursor=${cursor}`}`)
    if (status !== 200) return { failed: status, users, found, hashes }
    users += body.users
    for (const { finding, count, users: ids, places } of body.findings) {
      // Outdated hashes renew themselves and are reported with the hashes.
      if (finding === 'hash_outdated') continue
      const sum = found.get(finding) ?? { count: 0, examples: [] }
      found.set(finding, { count: sum.count + count, examples: [...sum.examples, ...ids, ...places].slice(0, 5) })
    }
    for (const { format, standing, count } of body.hashes ?? []) {
      const sum = hashes.get(`${format} ${standing}`)?.count ?? 0
      hashes.set(`${format} ${standing}`, { format, standing, count: sum + count })
    }
    cursor = body.pagination.next_cursor
  }
  return { users, found, hashes }
}
