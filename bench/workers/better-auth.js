/**
 * better-auth with its admin plugin on D1, as its documentation sets it up: the D1 binding is the database, users sign in with email
 * and password, everything else is its default. Made once an isolate, not once a request.
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
