/** A Worker that does nothing: what any Worker's start costs. */
export default { fetch: () => new Response('ok') }
