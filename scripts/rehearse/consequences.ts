/**
 * The consequences of a deliberate deviation. If the original created a user that Usher refused, later lists, counts
 * and requests differ too. The deviation explains these differences.
 */
import type { Difference, Exchange, Rehearsal } from '../../src/http/contract/rehearsal.ts'

type Reasons = ReadonlySet<string>
type Fields = Readonly<Record<string, unknown>>

export interface Subjects {
  /** The recorded identifiers of the users that the request names in its path or body. */
  targets: readonly string[]
  /** The recorded identifier of the caller, if it is known. */
  caller: string | undefined
}

export class Consequences {
  readonly #rules: Rehearsal
  /** Users of the original that Usher does not have, by recorded identifier. */
  readonly #absent = new Map<string, { reasons: Reasons; names: Reasons }>()
  /** Users of Usher that the original does not have, by Usher’s identifier. */
  readonly #surplus = new Map<string, { reasons: Reasons; names: Reasons }>()
  /** Fields of a user that differ since a write, by recorded identifier; `*` stands for all fields. */
  readonly #changed = new Map<string, Map<string, Reasons>>()

  constructor(rules: Rehearsal) {
    this.#rules = rules
  }

  isAbsent(recorded: string): boolean {
    return this.#absent.has(recorded)
  }

  /** Returns the deviations that explain a difference; undefined if no deviation does. */
  explain(difference: Difference, exchange: Exchange, subjects: Subjects): Reasons | undefined {
    return (
      this.#ofAbsentTarget(subjects) ??
      this.#ofItem(difference) ??
      this.#ofField(difference) ??
      this.#ofCreation(exchange) ??
      this.#ofOutcome(exchange, subjects)
    )
  }

  #ofAbsentTarget({ targets, caller }: Subjects): Reasons | undefined {
    for (const id of caller === undefined ? targets : [...targets, caller]) {
      const absent = this.#absent.get(id)
      if (absent) return absent.reasons
    }
    return undefined
  }

  #ofItem({ kind, record }: Difference): Reasons | undefined {
    if (kind !== 'missing item' && kind !== 'extra item') return undefined
    const known =
      kind === 'missing item' ? this.#absent.get(record?.recorded ?? '') : this.#surplus.get(record?.received ?? '')
    if (known) return known.reasons
    // A search by a field that differs finds the user on one side only.
    const changed = record?.recorded === undefined ? undefined : this.#changed.get(record.recorded)
    if (changed) return union([...changed.values()])
    if (!this.#rules.listsArePaged) return undefined
    return union([...this.#absent.values(), ...this.#surplus.values()].map(({ reasons }) => reasons))
  }

  #ofField({ kind, record }: Difference): Reasons | undefined {
    if (!['value', 'type'].includes(kind) || record?.recorded === undefined) return undefined
    const changed = this.#changed.get(record.recorded)
    return changed?.get(record.field) ?? changed?.get(record.field.split('.')[0] as string) ?? changed?.get('*')
  }

  /** A name that is free on one side only. */
  #ofCreation({ operation = '', recorded, received, request }: Exchange): Reasons | undefined {
    if (!this.#rules.creates.includes(operation)) return undefined
    const [there, here] = [this.#rules.succeeded(recorded), this.#rules.succeeded(received)]
    if (there === here) return undefined
    const names = this.#namesIn(request.fields)
    const users = there ? this.#surplus : this.#absent
    return union(
      [...users.values()]
        .filter((user) => [...user.names].some((name) => names.has(name)))
        .map(({ reasons }) => reasons),
    )
  }

  /** A user with a different record or different permissions gets different responses. */
  #ofOutcome({ recorded, received }: Exchange, { targets, caller }: Subjects): Reasons | undefined {
    if (this.#rules.succeeded(recorded) === this.#rules.succeeded(received)) return undefined
    const users = caller === undefined ? targets : [...targets, caller]
    return union(users.flatMap((id) => [...(this.#changed.get(id)?.values() ?? [])]))
  }

  /**
   * Remembers the changes that a write made on one side only. `explained` has each explained difference with its
   * deviations.
   */
  remember(
    exchange: Exchange,
    explained: readonly { difference: Difference; reasons: Reasons }[],
    { targets }: Subjects,
    records: {
      recorded: Fields | undefined
      received: Fields | undefined
      idOf: (record: Fields) => string | undefined
    },
  ): void {
    const reasons = union(explained.map(({ reasons }) => reasons))
    const [there, here] = [this.#rules.succeeded(exchange.recorded), this.#rules.succeeded(exchange.received)]
    const isCreation = this.#rules.creates.includes(exchange.operation ?? '')
    const [original, own] = [records.recorded, records.received]
    const [originalId, ownId] = [original && records.idOf(original), own && records.idOf(own)]
    if (isCreation && there && here && originalId !== undefined) this.#absent.delete(originalId)
    if (!reasons) return
    if (there && here) {
      for (const { difference, reasons } of explained) {
        const { record } = difference
        if (record?.recorded === undefined || !['value', 'type'].includes(difference.kind)) continue
        this.#change(record.recorded, record.field, reasons)
      }
    } else if (isCreation && there && original && originalId !== undefined) {
      this.#absent.set(originalId, { reasons, names: this.#namesIn(original) })
    } else if (isCreation && here && own && ownId !== undefined) {
      this.#surplus.set(ownId, { reasons, names: this.#namesIn(own) })
    } else if (there !== here) {
      for (const id of targets) this.#change(id, '*', reasons)
    }
  }

  /** Returns the user of Usher without a counterpart who has one of the names of this record. */
  surplusNamed(record: Fields): string | undefined {
    const names = this.#namesIn(record)
    for (const [id, user] of this.#surplus) if ([...user.names].some((name) => names.has(name))) return id
    return undefined
  }

  /** Records that two users are the same user. */
  unite(recorded: string, received: string): void {
    const reasons = union(
      [this.#surplus.get(received)?.reasons, this.#absent.get(recorded)?.reasons].filter((one) => one !== undefined),
    )
    this.#surplus.delete(received)
    this.#absent.delete(recorded)
    if (reasons) this.#change(recorded, '*', reasons)
  }

  /** Returns the absent user who has one of the names of this record. */
  absentNamed(record: Fields): string | undefined {
    const names = this.#namesIn(record)
    for (const [id, user] of this.#absent) if ([...user.names].some((name) => names.has(name))) return id
    return undefined
  }

  #change(id: string, field: string, reasons: Reasons): void {
    const fields = this.#changed.get(id) ?? new Map<string, Reasons>()
    fields.set(field, new Set([...(fields.get(field) ?? []), ...reasons]))
    this.#changed.set(id, fields)
  }

  #namesIn(record: Fields): Set<string> {
    const names = this.#rules.naturalKeys.map((key) => record[key]).filter((value) => value != null && value !== '')
    return new Set(names.map((value) => String(value).trim().toLowerCase()))
  }
}

function union(all: readonly Reasons[]): Reasons | undefined {
  return all.length === 0 ? undefined : new Set(all.flatMap((reasons) => [...reasons]))
}
