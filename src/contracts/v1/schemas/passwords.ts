/** Changing and setting passwords. */
import { z } from '@hono/zod-openapi'
import { password, time } from './fields'

export const V1PasswordChange = z
  .object({ current_password: z.string().openapi({ format: 'password' }), new_password: password })
  .openapi('V1PasswordChange')

export const V1PasswordToken = z.strictObject({ token: z.string(), expires_at: time }).openapi('V1PasswordToken')

export const V1PasswordByToken = z.object({ token: z.string(), new_password: password }).openapi('V1PasswordByToken')
