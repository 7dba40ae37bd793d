/** Sends one request at a time and reads the whole response. Any unexpected status is an error. */
export function caller(address, session = {}) {
  return async ({ method = 'GET', path, headers = {}, body, expect = 200 }) => {
    const response = await fetch(address + path, {
      method,
      headers: { ...session, ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (response.status !== expect)
      throw new Error(`${method} ${path} answered ${response.status}: ${text.slice(0, 500)}`)
    const json = response.headers.get('content-type')?.includes('json') && text !== ''
    return { headers: response.headers, body: json ? JSON.parse(text) : text }
  }
}
