/** Shows the progress of a long step: a bar on a terminal, otherwise a line at its end. */
const width = 30

/** Starts a step. Returns a function that takes the progress and the total, and never repeats a line. */
export function step(title) {
  const start = performance.now()
  const { isTTY } = process.stderr
  let shown = -1
  if (!isTTY) process.stderr.write(`${title}…\n`)
  return Object.assign(
    (done, total) => {
      const filled = Math.floor((width * done) / total)
      if (!isTTY || filled === shown) return
      shown = filled
      process.stderr.write(`\r${'█'.repeat(filled)}${'░'.repeat(width - filled)} ${title}\x1b[K`)
    },
    {
      end() {
        const seconds = ((performance.now() - start) / 1000).toFixed(1)
        process.stderr.write(`${isTTY ? '\r\x1b[K' : ''}${title}: ${seconds} s\n`)
      },
    },
  )
}
