/**
 * Checks the adoption of passwords: the answers of each upstream, the progress, and the users who have not signed in
 * yet.
 */

const barLength = 20

export async function checkAdoption(client, report) {
  report.progress('Asking the upstreams…')
  const [progress, answers] = [await client.ask('/migration'), await client.ask('/diagnostics/upstreams')]
  // A Worker of an earlier version adopts no passwords.
  if (progress.status === 404) return
  report.title('Adoption of passwords')
  for (const [path, { status }] of [
    ['/v1/migration', progress],
    ['/v1/diagnostics/upstreams', answers],
  ]) {
    if (status !== 200) return report.fail(`${path}: ${status}`, 'See the Worker’s log.')
  }
  const upstreams = progress.body.data
  if (upstreams.length === 0) return report.info('no upstream is set, and no user is pending')
  const answerOf = new Map(answers.body.data.map(({ upstream, answer }) => [upstream, answer]))
  for (const upstream of upstreams) checkUpstream(upstream, answerOf.get(upstream.upstream), report)
  if (upstreams.some(({ pending }) => pending > 0)) await listPending(client, report)
}

/** `answer` is undefined for an upstream that is not in UPSTREAMS. */
function checkUpstream({ upstream, pending, adopted, refused, unknown, last_adopted_at: last }, answer, report) {
  const waiting = pending === 1 ? '1 pending user' : `${pending.toLocaleString('en')} pending users`
  const cannot = pending > 0 && `${waiting} cannot sign in`
  if (answer === 'match') {
    report.fail(
      `${upstream}: confirms the password of a user who does not exist`,
      'Anyone can sign in as its pending users. Remove it from UPSTREAMS until it checks passwords.',
    )
  } else if (answer === undefined && pending > 0) {
    report.fail(
      `${upstream}: is not in UPSTREAMS, so ${cannot}`,
      'Add it to UPSTREAMS, or give each user a set-password token: POST /v1/users/{id}/password-token.',
    )
  } else if (answer !== undefined && answer !== 'no_match') {
    const line = pending > 0 ? report.fail : report.warn
    line(
      `${upstream}: does not check passwords (${answer})${cannot ? `, so ${cannot}` : ''}`,
      pending === 0 && adopted.total > 0
        ? 'No user is pending: remove it from UPSTREAMS.'
        : 'Check the old system and the URL in UPSTREAMS; docs/move-in.md, "Adopt passwords".',
    )
  } else if (answer === 'no_match' && pending === 0 && adopted.total > 0) {
    report.ok(`${upstream}: answers, and no user is pending`)
    report.info(
      `${upstream}: every user is adopted or has another password`,
      'Remove it from UPSTREAMS when the move is final.',
    )
  } else if (answer === 'no_match') report.ok(`${upstream}: answers, and has ${waiting}`)
  const all = pending + adopted.total
  if (all === 0) return
  const since = last ? `, the last on ${last.slice(0, 10)}` : ''
  report.info(
    `${upstream}: ${bar(adopted.total / all)} adopted ${adopted.total.toLocaleString('en')} of ${all.toLocaleString('en')}${since}; ` +
      `wrong passwords: ${refused}, without an answer: ${unknown}`,
  )
}

function bar(share) {
  const full = Math.floor(share * barLength)
  return `[${'#'.repeat(full)}${'-'.repeat(barLength - full)}] ${Math.floor(100 * share)} %`
}

/** Lists the first users who have not signed in since the import. */
async function listPending(client, report) {
  const { status, body } = await client.ask('/users?password=pending&limit=5')
  if (status !== 200) return report.fail(`/v1/users?password=pending: ${status}`, 'See the Worker’s log.')
  const { data, pagination } = body
  const ids = data.map(({ id }) => id).join('; ')
  const { total } = pagination
  report.info(
    `never signed in: ${total.toLocaleString('en')} (${ids}${total > data.length ? '; …' : ''})`,
    'GET /v1/users?password=pending lists them. Give each a set-password token before you retire the upstream.',
  )
}
