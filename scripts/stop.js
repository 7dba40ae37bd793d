/** An error for the user of a script, reported without a stack trace. */
export class Stop extends Error {}
