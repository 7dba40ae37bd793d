/**
 * better-auth with its admin plugin on D1, as its documentation sets it up: the D1 binding as database, sign-in with
 * email and password, defaults otherwise. Created once per isolate.
 */
import { betterAuth } from 'better-auth'
import { options } from './better-auth-options'

let auth

export default {
  fetch(request, env) {
    auth ??= betterAuth(options(env.DB, env))
    return auth.handler(request)
  },
}
