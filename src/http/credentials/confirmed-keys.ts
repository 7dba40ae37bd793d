/**
 * The API keys that the database confirmed in the last minutes, known to this isolate. They are exempt from the rate
 * limit of the client's address, because an office shares one. They get no other advantage: the database checks every
 * request.
 */
const confirmedSeconds = 300
const maxKeys = 1000

/** Unix seconds of the last confirmation by key hash, the oldest first. */
const confirmations = new Map<string, number>()

export function isConfirmed(hash: string, now: number): boolean {
  return (confirmations.get(hash) ?? 0) > now - confirmedSeconds
}

/**
 * Learns from the status of a response whether the key is valid. 401 means no, 503 means unknown, and any other status
 * means yes.
 */
export function recordKeyStatus(hash: string, status: number, now: number): void {
  if (status === 503) return
  confirmations.delete(hash)
  if (status === 401) return
  confirmations.set(hash, now)
  const [oldest] = confirmations.keys()
  if (confirmations.size > maxKeys && oldest !== undefined) confirmations.delete(oldest)
}
