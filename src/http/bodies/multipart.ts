/** Parses multipart forms (RFC 7578) in one pass. The platform's parser rejects names without quotes. */

/** A part of a form. A file has no `text`. */
interface Part {
  name: string
  text: string | undefined
}

/** RFC 2046 limits a boundary to 70 characters. */
const boundary = /;\s*boundary\s*=\s*(?:"([^"]{1,70})"|([^\s";]{1,70}))\s*(?:;|$)/i

/** Returns the parts of the body, headers included. Returns undefined for a malformed body. */
export function splitParts(body: string, contentType: string): string[] | undefined {
  const [, quoted, plain] = boundary.exec(contentType) ?? []
  const separator = quoted ?? plain
  if (separator === undefined) return undefined
  const pieces = `\r\n${body}`.split(`\r\n--${separator}`)
  const end = pieces.findIndex((piece, index) => index > 0 && piece.startsWith('--'))
  return end < 0 ? undefined : pieces.slice(1, end)
}

const headersBegin = /^[ \t]*\r\n/
const headersEnd = '\r\n\r\n'

/** Returns undefined for a part without a name. */
export function readPart(piece: string): Part | undefined {
  const end = piece.indexOf(headersEnd)
  if (end < 0 || !headersBegin.test(piece)) return undefined
  const parameters = dispositionOf(piece.slice(0, end))
  const name = parameters.get('name')
  if (name === undefined) return undefined
  const isFile = parameters.has('filename') || parameters.has('filename*')
  return { name, text: isFile ? undefined : piece.slice(end + headersEnd.length) }
}

const disposition = /^content-disposition:[ \t]*form-data(?=[ \t;]|$)/i
/** Browsers quote the value; Ktor and .NET do not. */
const parameter = /[ \t]*;[ \t]*([^\s"=;]+)=(?:"([^"]*)"|([^\s";]*))/y

function dispositionOf(headers: string): Map<string, string> {
  const parameters = new Map<string, string>()
  const line = headers.split('\r\n').find((text) => disposition.test(text)) ?? ''
  parameter.lastIndex = disposition.exec(line)?.[0].length ?? 0
  for (let found = parameter.exec(line); found; found = parameter.exec(line)) {
    const [, name = '', quoted, plain = ''] = found
    parameters.set(name.toLowerCase(), quoted ?? plain)
  }
  return parameters
}
