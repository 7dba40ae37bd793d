/** The client's types and table are the document's, and every operation of it goes where the document says. */
import { format } from 'prettier/standalone'
import * as estree from 'prettier/plugins/estree'
import * as typescript from 'prettier/plugins/typescript'
import { describe, expect, it } from 'vitest'
import { prettier as style } from '../../package.json'
import { operationsSource, type ContractDocument } from '../../scripts/client-operations.ts'
import { call } from '../support/usher'

const { body: document } = await call<ContractDocument>('/doc/v1')

describe('client/operations.ts', () => {
  it('is what the document says: npm run client writes it anew', async () => {
    const source = await format(operationsSource(document), {
      ...style,
      parser: 'typescript',
      plugins: [estree, typescript],
    })
    await expect(source).toMatchFileSnapshot('../../client/operations.ts')
  })
})
