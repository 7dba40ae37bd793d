/** The name of the program that sends a request, as the program states it. */

const maxLength = 40
const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
const product = new RegExp(`^${token}(/${token})?`)

/** Returns the first product of a `User-Agent`, such as `payroll/2.1`; an empty text if it begins with none. */
export function programOf(userAgent: string | undefined): string {
  return product.exec(userAgent ?? '')?.[0].slice(0, maxLength) ?? ''
}
