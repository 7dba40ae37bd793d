/** Export: everyone, in the format that an import reads. */
import { useState } from 'preact/hooks'
import { usher } from './directory.ts'
import { counted, download, Failure, Screen, useViewer } from './elements.tsx'
import { useAction } from './loading.ts'

/** Lines in one part of the file. The browser may move the parts to the disk. */
const partLines = 5000

export function Export() {
  const { can } = useViewer()
  const [withHashes, setWithHashes] = useState(false)
  const [done, setDone] = useState<number>()
  const [isComplete, setComplete] = useState(false)
  const { run, error, isRunning } = useAction()
  const begin = () =>
    run(async () => {
      setComplete(false)
      setDone(0)
      const parts: Blob[] = []
      let lines: string[] = []
      let total = 0
      const { body } = await usher.exportUsers(withHashes ? { include: 'password_hashes' } : {})
      for await (const user of body) {
        lines.push(`${JSON.stringify(user)}\n`)
        total += 1
        if (lines.length === partLines) {
          parts.push(new Blob(lines))
          lines = []
          setDone(total)
        }
      }
      parts.push(new Blob(lines))
      setDone(total)
      setComplete(true)
      download(parts, `usher-${new Date().toISOString().slice(0, 10)}.ndjson`, 'application/x-ndjson')
    })
  return (
    <Screen title="Export" lead="Everyone, one person a line (NDJSON), in the format that an import reads.">
      <section>
        <form
          onSubmit={(event) => {
            event.preventDefault()
            void begin()
          }}
        >
          {can('users:export_hashes') && (
            <label class="check">
              <input
                type="checkbox"
                checked={withHashes}
                onChange={(event) => setWithHashes(event.currentTarget.checked)}
              />
              With the hashes of passwords and PINs
            </label>
          )}
          <p class="quiet">
            The file holds personal data. The audit trail keeps who exported it and which fields it has.
          </p>
          {error !== undefined && <Failure error={error} />}
          <div class="actions">
            <button type="submit" class="primary" disabled={isRunning}>
              {isRunning ? 'Exporting…' : 'Export everyone'}
            </button>
          </div>
          {done !== undefined && error === undefined && (
            <p role="status">
              {counted(done, 'person', 'people')} {isComplete ? 'exported. The file is in your downloads.' : 'so far…'}
            </p>
          )}
        </form>
      </section>
    </Screen>
  )
}
