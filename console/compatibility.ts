/** How the contracts name a field, from the table of docs/compatibility.md, which is tested against the Worker. */
import page from '../docs/compatibility.md'
import type { Contract } from './directory.ts'

export interface FieldNames {
  /** What the record holds, in the directory's words. */
  field: string
  /** The names by contract. None if the contract does not show it. */
  names: Record<Contract, string[]>
}

const cellsOf = (line: string) =>
  line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim())

/**
 * The fields that a contract shows in a cell: `role_name` and `role_id`, or `email` and the list `emails` that repeats
 * it. Headers and bodies to write are left out.
 */
const namesIn = (cell: string) =>
  [
    ...cell
      .replace(/\bin as .*$/, '')
      .replace(/header `[^`]*`/, '')
      .matchAll(/`([A-Za-z_]+): |\bof `([A-Za-z_]+)`/g),
  ].map(([, field, list]) => String(field ?? list))

const lines = page.split('\n').filter((line) => line.startsWith('|'))
const contracts = cellsOf(lines[0] ?? '').slice(1) as Contract[]

/** The rows that describe a field; the others are further examples of one. */
export const fieldNames: readonly FieldNames[] = lines
  .slice(2)
  .map(cellsOf)
  .filter(([field = '']) => !/: (none|unknown|false)$|^(password|PIN|read only)/.test(field))
  .map(([field = '', ...cells]) => ({
    field: field === 'roles: their first' ? 'primary role' : field === 'roles: all' ? 'roles' : field,
    names: Object.fromEntries(contracts.map((contract, index) => [contract, namesIn(cells[index] ?? '')])) as Record<
      Contract,
      string[]
    >,
  }))

export { contracts }
