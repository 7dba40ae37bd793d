export function looksLikeHash(text: string): boolean
export function lookalikeOf(name: string, value: unknown): 'status' | 'hash' | undefined
