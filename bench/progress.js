/** How far a long step is: a bar where somebody watches, a line at its end elsewhere. */
const width = 30

/** Begins a step; the function it answers takes what is done and of how much, and says nothing it has said. */
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
