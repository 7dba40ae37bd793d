/** Runs a Worker in its own workerd, with a D1 database in its own folder. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Miniflare } from 'miniflare'

const compatibilityDate = '2026-10-20'
const databaseId = 'directory'

/** Serves until `stop`. `modules` are sources by name, the Worker first. */
export async function serve({ modules, variables = {}, folder, flags = [] }) {
  const [mainModule] = Object.keys(modules)
  const before = children()
  const miniflare = new Miniflare({
    host: '127.0.0.1',
    port: 0,
    cf: false,
    logRequests: false,
    ...(folder && { resourcePersistencePath: folder }),
    workers: [
      {
        config: {
          name: 'bench',
          compatibilityDate,
          compatibilityFlags: flags,
          manifest: {
            mainModule,
            modules: Object.fromEntries(
              Object.entries(modules).map(([name, contents]) => [
                name,
                { type: name.endsWith('.js') ? 'esm' : 'text', contents },
              ]),
            ),
          },
          env: {
            ...(folder && { DB: { type: 'd1', id: databaseId } }),
            ...Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, { type: 'text', value }])),
          },
        },
      },
    ],
  })
  const { port } = await miniflare.ready
  const processes = children().filter((pid) => !before.includes(pid))
  return {
    port,
    address: `http://127.0.0.1:${port}`,
    /** The CPU time of its processes so far; undefined where the system does not report it. */
    cpuMilliseconds: () => (processes.length > 0 ? sum(processes.map(cpuMilliseconds)) : undefined),
    stop: () => miniflare.dispose(),
  }
}

/** The file of the single database in a folder. */
export function databaseFile(folder) {
  const files = join(folder, 'd1', 'miniflare-D1DatabaseObject')
  const [name] = readdirSync(files).filter((file) => /^[0-9a-f]{64}\.sqlite$/.test(file))
  return join(files, name)
}

/** The child processes of this process. Only Linux reports them. */
function children() {
  try {
    return readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').split(' ').filter(Boolean)
  } catch {
    return []
  }
}

const millisecondsPerTick = 10

function cpuMilliseconds(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * millisecondsPerTick
}

const sum = (numbers) => numbers.reduce((total, number) => total + number, 0)
