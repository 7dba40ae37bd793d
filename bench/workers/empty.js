/** A Worker that does nothing, to measure the start of any Worker. */
export default { fetch: () => new Response('ok') }
