/** The calls that the tests make. The library's own types bring those of Node, which hide the Worker's. */
declare module 'jsonwebtoken' {
  const jsonwebtoken: {
    decode(token: string, options: { complete: true }): { header: { kid?: string } } | null
    verify(token: string, key: object, options: { issuer: string; audience: string; algorithms: string[] }): object
  }
  export default jsonwebtoken
}
declare module 'node:crypto' {
  export function createPublicKey(key: { key: object; format: 'jwk' }): object
}
