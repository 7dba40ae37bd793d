declare module 'virtual:sources' {
  /** The text of each file of src/, client/ and console/, by its path from the root. */
  const texts: Readonly<Record<string, string>>
  export default texts
}
