/** Maps the identifiers, tokens and entity tags of the recording to those of Usher. */

/** A decimal identifier in a path may have leading zeros. */
const canonical = (value: string) => (/^\d+$/.test(value) ? value.replace(/^0+(?=\d)/, '') : value)

/**
 * Long enough to be unique in every place: a uuid or a token. A short number is an identifier only in its own field.
 */
const isOpaque = (value: string) => value.length >= 16

export interface Pair {
  /** The kind of record: `user` or `role`. */
  kind: string
  recorded: string
  received: string
}

export class Bindings {
  readonly #identifiers = new Map<string, string>()
  /** Identifiers of Usher, to detect a recorded identifier that would match a different record. */
  readonly #taken = new Map<string, string>()
  readonly #opaque = new Map<string, string>()
  readonly #tags = new Map<string, string>()
  /** Lower-case names of a user who signs in with other credentials here. */
  readonly #aliases = new Map<string, string>()

  bind({ kind, recorded, received }: Pair): void {
    const key = `${kind} ${canonical(recorded)}`
    if (this.#identifiers.has(key) && this.#identifiers.get(key) === canonical(received)) return
    this.#identifiers.set(key, canonical(received))
    this.#taken.set(`${kind} ${canonical(received)}`, canonical(recorded))
    if (isOpaque(recorded)) this.#opaque.set(recorded, received)
  }

  bindToken(recorded: string, received: string): void {
    if (isOpaque(recorded) && recorded !== received) this.#opaque.set(recorded, received)
  }

  /** An entity tag belongs to one resource. */
  bindTag(resource: string, recorded: string, received: string): void {
    if (recorded !== received) this.#tags.set(`${resource} ${recorded}`, received)
    else this.#tags.delete(`${resource} ${recorded}`)
  }

  bindAlias(recorded: string, received: string): void {
    if (recorded.toLowerCase() !== received.toLowerCase()) this.#aliases.set(recorded.toLowerCase(), received)
  }

  counterpart(kind: string, recorded: string): string | undefined {
    return this.#identifiers.get(`${kind} ${canonical(recorded)}`)
  }

  /** Returns the recorded identifier that is bound to this identifier of Usher. */
  recordedOf(kind: string, received: string): string | undefined {
    return this.#taken.get(`${kind} ${canonical(received)}`)
  }

  alias(recorded: string): string | undefined {
    return this.#aliases.get(recorded.toLowerCase())
  }

  isAlias(received: string): boolean {
    return [...this.#aliases.values()].some((alias) => alias.toLowerCase() === received.toLowerCase())
  }

  /**
   * Translates an identifier of a request. Returns undefined if Usher’s record with this identifier is known to be a
   * different one.
   */
  rebound(kind: string, recorded: string): string | undefined {
    const bound = this.counterpart(kind, recorded) ?? this.#opaque.get(recorded)
    if (bound !== undefined) return bound === canonical(recorded) ? recorded : bound
    const other = this.recordedOf(kind, recorded)
    return other === undefined || other === canonical(recorded) ? recorded : undefined
  }

  /** Translates a value that may be an identifier or a token. */
  reboundValue(value: string): string {
    return this.#opaque.get(value) ?? value
  }

  /** Translates a value that contains identifiers: the filter of a search, or the path of an operation. */
  reboundWords(value: string): string {
    const whole = this.#opaque.get(value)
    return whole ?? value.replace(/[A-Za-z0-9_-]{16,}/g, (word) => this.#opaque.get(word) ?? word)
  }

  /** Translates text that contains identifiers. */
  reboundText(text: string, kinds: readonly string[]): string {
    if (this.#identifiers.size === 0 && this.#opaque.size === 0 && this.#aliases.size === 0) return text
    const words = text.replace(/[A-Za-z0-9_-]+/g, (word) => {
      const opaque = this.#opaque.get(word)
      if (opaque !== undefined) return opaque
      if (!/^\d+$/.test(word)) return word
      const bound = kinds.map((kind) => this.counterpart(kind, word)).find((value) => value !== undefined)
      return bound === undefined || bound === canonical(word) ? word : bound
    })
    return [...this.#aliases].reduce((changed, [recorded, received]) => {
      const at = changed.toLowerCase().indexOf(recorded)
      return at < 0 ? changed : changed.slice(0, at) + received + changed.slice(at + recorded.length)
    }, words)
  }

  reboundTags(resource: string, header: string): string {
    return header.replace(/(?:W\/)?"[^"]*"/g, (tag) => this.#tags.get(`${resource} ${tag}`) ?? tag)
  }
}
