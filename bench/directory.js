/** The same people in each product's own tables, on disk where its Worker finds them. */
import { deepStrictEqual } from 'node:assert'
import { statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { caller } from './call.js'
import { person } from './people.js'
import { databaseFile, serve } from './server.js'

const atOnce = 5000

/** Makes an empty database. */
const touch = 'export default { fetch: async (_, env) => Response.json(await env.DB.prepare("SELECT 1").all()) }'

/**
 * Fills `folder` with `count` users: an admin and the first person by the Worker itself, the others as it wrote that one. Answers the
 * bytes of the database a user.
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

/** Makes the product's database without anybody in it. */
export async function found(product, folder) {
  const server = await serve({ modules: { 'touch.js': touch }, folder })
  await caller(server.address)({ path: '/' })
  await server.stop()
  await using(databaseFile(folder), (database) => product.applySchema?.(database))
}

/** Opens the database, as it is at the next start, and closes it with nothing left beside the file. */
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

/** What we write of the first person must be what the Worker wrote, but for ids, times and salts. */
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
