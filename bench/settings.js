/** The options of the command line. */
import { parseArgs } from 'node:util'

/** `--users` are sizes, separated by commas. Without `--rounds`, a million users get fewer rounds. */
export function settings(args) {
  const { values } = parseArgs({
    args,
    options: {
      users: { type: 'string', default: '10000,100000,1000000' },
      rounds: { type: 'string' },
      seconds: { type: 'string', default: '0.8' },
    },
  })
  const users = values.users.split(',').map((text) => number('users', text, 1000))
  const seconds = Number(values.seconds)
  if (!(seconds > 0)) throw new Error('--seconds must be a positive number')
  return {
    users,
    seconds,
    roundsFor: (size) => (values.rounds ? number('rounds', values.rounds, 1) : size > 100_000 ? 5 : 7),
    /** Requests per round, for writes and for operations that hash a password. */
    writes: 64,
    hashes: 16,
    starts: 5,
    /** Whether to write report.md and report.svg. Only a full run writes them. */
    whole: values.users === '10000,100000,1000000',
  }
}

function number(name, text, least) {
  const value = Number(text)
  if (!(Number.isInteger(value) && value >= least)) throw new Error(`--${name} must be whole numbers from ${least} on`)
  return value
}
