/** Prints findings, one per line, each with its remedy. */
const marks = { ok: 'ok   ', info: 'info ', warn: 'warn ', fail: 'FAIL ' }

export function newReport() {
  const counts = { ok: 0, info: 0, warn: 0, fail: 0 }
  const live = process.stderr.isTTY === true

  const clear = () => live && process.stderr.write('\r\u001b[K')
  const line = (mark) => (what, toDo) => {
    counts[mark] += 1
    clear()
    console.log(`${marks[mark]} ${what}`)
    if (toDo) console.log(`      → ${toDo}`)
  }

  return {
    ok: line('ok'),
    info: line('info'),
    warn: line('warn'),
    fail: line('fail'),
    get failures() {
      return counts.fail
    },
    title(text) {
      clear()
      console.log(`\n${text}`)
    },
    /** Shows progress on a terminal. */
    progress: (text) => void (live && process.stderr.write(`\r\u001b[K${text}`)),
    clear,
    end() {
      clear()
      const counted = (count, one, more) => `${count} ${count === 1 ? one : more}`
      const warnings = counted(counts.warn, 'warning', 'warnings')
      console.log(`\n${counted(counts.fail, 'failure', 'failures')}, ${warnings}, ${counts.ok} in order.`)
    },
  }
}
