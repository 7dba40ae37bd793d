/**
 * The API keys that the database confirmed in the last minutes, as far as this isolate knows. The limit of a client's address spares
 * them, since an office shares an address. They gain nothing else by it: the database decides on each request.
 */
const confirmedSeconds = 300
const maxKeys = 1000

/** Hashes with the unix seconds of their last confirmation, the oldest first. */
const confirmations = new Map<string, number>()

export function isConfirmed(hash: string, now: number): boolean {
  return (confirmations.get(hash) ?? 0) > now - confirmedSeconds
}

/** Takes the status of a response as the database's word on the key: 401 refuses it, 503 leaves it open, and any other confirms it. */
export function recordKeyStatus(hash: string, status: number, now: number): void {
  if (status === 503) return
  confirmations.delete(hash)
  if (status === 401) return
  confirmations.set(hash, now)
  const [oldest] = confirmations.keys()
  if (confirmations.size > maxKeys && oldest !== undefined) confirmations.delete(oldest)
}
