/** Whether the directory is whole, all of it, a stretch at a time. */

const checks = {
  totals: 'totals are the sums of their spans',
  counts: 'counters are the counts',
  roles: 'each user repeats the roles they hold',
  search: 'each user is found by search, and nobody else',
  identifiers: 'each user can sign in by what is theirs, and by nothing else',
  hashes: 'every password can be verified',
}

/** What is found, and what mends it. */
const remedies = {
  total_off: ['a total is not the sum of its spans', 'repair'],
  span_off: ['a span is not the sum of its parts', 'repair'],
  count_off: ['a counter is not the count', 'repair'],
  role_columns_off: ['a user’s columns are not the roles they hold', 'repair'],
  search_entry_missing: ['a user is not in the search index', 'search'],
  search_entry_outdated: ['a user is not found by their own words', 'search'],
  search_entry_stray: ['the search index has an entry of nobody', 'repair'],
  identifier_missing: ['a user’s email, username or matricule does not lead to them', 'repair'],
  identifier_stray: ['something leads to a user that is not theirs', 'repair'],
  identifier_outdated: ['a user’s email, username or name is folded otherwise than this code does', 'fold'],
  hash_unverifiable: ['a password cannot be verified here: its user cannot sign in', 'password'],
}

const toDo = {
  repair: 'npx wrangler d1 execute DB --remote --env … --file scripts/repair.sql',
  search: 'Change their name and change it back; that writes the entry anew.',
  fold: 'Change what is named and change it back; that folds it anew.',
  password: 'Give each a set-password token: POST /v1/users/{id}/password-token.',
}

export async function checkDirectory(client, report) {
  report.title('The directory')
  for (const [check, promise] of Object.entries(checks)) {
    const { failed, users, found, hashes } = await walk(client, check, report)
    if (failed) {
      report.fail(
        `${promise}: ${failed} after ${users} users`,
        'Look at the Worker’s log; the rest of this check was not made.',
      )
      continue
    }
    for (const { format, standing, count } of hashes.values()) {
      report.info(
        `passwords kept as ${format}: ${count}${standing === 'outdated' ? ', renewed at the next sign-in' : ''}`,
      )
    }
    if (found.size === 0) report.ok(`${promise}${users > 0 ? ` (${users.toLocaleString('en')} users)` : ''}`)
    for (const [finding, { count, examples }] of found) {
      const [what, mends] = remedies[finding] ?? [finding]
      report.fail(`${what}: ${count} (${examples.join('; ')}${count > examples.length ? '; …' : ''})`, toDo[mends])
    }
  }
}

/** All stretches of a check, added up. */
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
      // Renewed by itself, and told with the hashes.
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
