/** Times as the wires show them. */

/** Unix seconds as ISO 8601 in UTC, to the second: `2026-01-15T09:30:00Z`. */
export function toUtc(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`
}
