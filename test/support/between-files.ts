/**
 * One workerd serves many test files, and they share the loaded modules: a start takes seconds, and so does loading
 * and optimising the modules again. Each file begins with an empty directory, the suite's variables and the real clock.
 */
import { beforeAll, vi } from 'vitest'
import { emptyDirectory } from './saved-directory'
import { forgetFirstSignIn, useVariables } from './usher'

useVariables({})

beforeAll(async () => {
  vi.useRealTimers()
  vi.restoreAllMocks()
  forgetFirstSignIn()
  await emptyDirectory()
})
