/** The client's types and table come from the document, and every operation calls the documented path. */
import { format } from 'prettier/standalone'
import * as estree from 'prettier/plugins/estree'
import * as typescript from 'prettier/plugins/typescript'
import { describe, expect, it } from 'vitest'
import { prettier as style } from '../../package.json'
import { operationsSource, type ContractDocument } from '../../scripts/client-operations.ts'
import { call } from '../support/usher'

const { body: document } = await call<ContractDocument>('/doc/v1')

describe('client/operations.ts', () => {
  it('is up to date with the document (npm run client rewrites it)', async () => {
    const source = await format(operationsSource(document), {
      ...style,
      parser: 'typescript',
      plugins: [estree, typescript],
    })
    await expect(source).toMatchFileSnapshot('../../client/operations.ts')
  })
})
