/** Writes the same users to each product's own tables, on disk where its Worker finds them. */
import { deepStrictEqual } from 'node:assert'
import { statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { caller } from './call.js'
import { person } from './people.js'
import { databaseFile, serve } from './server.js'

const atOnce = 5000

/** A Worker that creates an empty database. */
const touch = 'export default { fetch: async (_, env) => Response.json(await env.DB.prepare("SELECT 1").all()) }'

/**
 * Fills `folder` with `count` users. The Worker itself creates an admin and the first user; the others are written in
 * the same form. Returns the bytes per user in the database.
 */
export async function fill(product, worker, { folder, count, progress }) {
  const served = async (work) => {
    const server = await serve({ ...worker, folder })
    try {
      return await work(server)
    } finally {
      await server.stop()
    }
  }
  const withDatabase = (work) => using(databaseFile(folder), work)
  await found(product, folder)
  await served(({ address }) => product.begin(caller(address), withDatabase))
  await served(async ({ address }) => {
    const call = caller(address, await product.signIn(caller(address)))
    await call(product.requests.create(person(1)))
  })
  await withDatabase((database) => write(product, database, count, progress))
  return statSync(databaseFile(folder)).size / count
}

/** Creates the product's database without users. */
export async function found(product, folder) {
  const server = await serve({ modules: { 'touch.js': touch }, folder })
  await caller(server.address)({ path: '/' })
  await server.stop()
  await using(databaseFile(folder), (database) => product.applySchema?.(database))
}

/** Opens the database as the next start will, and closes it without leaving a journal. */
export async function using(file, work) {
  const database = new DatabaseSync(file)
  try {
    return await work(database)
  } finally {
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    database.close()
  }
}

function write(product, database, count, progress) {
  const like = product.rowsOf(database, person(1))
  asTheWorkerWrites(product, like)
  database.exec('PRAGMA synchronous = OFF; PRAGMA cache_size = -1000000; PRAGMA temp_store = MEMORY')
  const { finish } = product.writing?.(database) ?? {}
  const statements = Object.entries(product.rows(person(1), like)).map(([table, row]) => {
    const columns = Object.keys(row)
    const insert = `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`
    return [table, database.prepare(insert)]
  })
  for (let index = 2; index < count;) {
    database.exec('BEGIN')
    for (const end = Math.min(index + atOnce, count); index < end; index += 1) {
      const rows = product.rows(person(index), like)
      for (const [table, statement] of statements) statement.run(...Object.values(rows[table]))
    }
    database.exec('COMMIT')
    progress(index, count)
  }
  finish?.()
  product.check?.(database)
}

/** The first user as written here must equal what the Worker wrote, except for ids, times and salts. */
function asTheWorkerWrites(product, written) {
  const ours = product.rows(person(1), written)
  for (const [table, row] of Object.entries(written)) {
    const comparable = (columns) =>
      Object.fromEntries(Object.entries(columns).filter(([column]) => !product.ownColumns.includes(column)))
    deepStrictEqual(
      comparable(ours[table]),
      comparable(row),
      `${product.name}: ${table} is not written as its Worker does`,
    )
  }
}
