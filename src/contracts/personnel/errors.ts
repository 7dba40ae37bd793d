/**
 * Renders every failure as personnel does: `{"detail": ...}`, FastAPI's own for invalid input, French sentences for the
 * rest.
 */
import { unrendered, type Failure } from '../../http/contract/failure'
import type { FailureResponse } from '../../http/contract/contract-types'
import { failuresOf, json } from '../../http/contract/json'
import { toValidationErrors } from '../../http/frameworks/pydantic'
import { wireName } from './mapping'
import { PersonnelError, PersonnelValidationError } from './schemas'

export function toFailureResponse(failure: Failure): FailureResponse {
  switch (failure.kind) {
    case 'no_credentials':
      return detail(401, 'Not authenticated')
    case 'unauthenticated':
      return detail(401, 'Jeton invalide ou expiré')
    case 'invalid_credentials':
      return detail(401, 'Identifiants incorrects')
    case 'invalid_password_token':
    case 'invalid_refresh_token':
      return detail(401, "Jeton d'actualisation invalide ou expiré")
    case 'cross_site':
      return detail(403, 'Action non autorisée')
    case 'forbidden':
      return detail(
        403,
        `Action non autorisée${failure.missing.length > 0 ? `, droit requis : ${failure.missing.join(', ')}` : ''}`,
      )
    case 'own_password':
      return detail(403, 'Le mot de passe se change en donnant le mot de passe actuel')
    case 'no_such_path':
      return detail(404, 'Not Found')
    case 'user_not_found':
      return detail(404, `pas d'utilisateur avec l'identifiant ${escaped(String(Object.values(failure.selector)[0]))}`)
    case 'resource_not_found':
      return detail(404, 'Ressource introuvable')
    case 'role_not_found':
      return detail(404, "Ce rôle n'existe pas")
    case 'method_not_allowed':
      return detail(405, 'Method Not Allowed')
    case 'already_taken':
      return detail(409, taken[failure.fields[0]])
    case 'role_refused':
    case 'idempotency_key_reused':
    case 'version_mismatch':
      return detail(409, "Conflit avec l'état actuel")
    case 'last_admin':
      return detail(409, 'Le dernier administrateur actif ne peut être ni rétrogradé, ni désactivé, ni supprimé')
    case 'body_too_large':
    case 'too_many':
      return detail(413, 'Requête trop volumineuse')
    case 'invalid':
    case 'invalid_request':
    case 'unreadable_body':
    case 'unsupported_media_type':
    case 'unsupported_encoding':
      return { status: 422, body: { detail: toValidationErrors(failure, wireName) } }
    case 'locked_out':
      return detail(429, 'Trop de tentatives de connexion, réessayez plus tard')
    case 'rate_limited':
      return detail(429, 'Trop de requêtes, réessayez plus tard')
    case 'retired':
      return detail(410, 'Ce service a été retiré')
    case 'contended':
    case 'upstream_unavailable':
    case 'unavailable':
      return detail(503, 'Service momentanément indisponible')
    default:
      return unrendered(failure)
  }
}

const taken = {
  email: 'Cette adresse email est déjà utilisée',
  matricule: 'Ce matricule est déjà utilisé',
  username: "Ce nom d'utilisateur est déjà utilisé",
}

function detail(status: FailureResponse['status'], sentence: string): FailureResponse {
  return { status, body: { detail: sentence } }
}

/** Returns what the client sent, shortened and safe wherever the sentence is shown. */
function escaped(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
  return [...text.toWellFormed()]
    .slice(0, 64)
    .map(
      (character) =>
        entities[character] ?? (/[\p{C}\p{Z}]/u.test(character) && character !== ' ' ? '\ufffd' : character),
    )
    .join('')
}

const described = {
  401: json(PersonnelError, 'No valid credentials'),
  403: json(PersonnelError, 'A permission is missing'),
  404: json(PersonnelError, 'No such user or role'),
  409: json(PersonnelError, 'The matricule or email is taken, or this is the last admin'),
  413: json(PersonnelError, 'The body is too large'),
  422: json(PersonnelValidationError, 'Validation Error'),
  429: json(PersonnelError, 'Too many requests'),
  503: json(PersonnelError, 'Unavailable, try again'),
}

/** The failures of an operation, for the OpenAPI document. Any operation may return 429 and 503. */
export const failures = failuresOf(described)
