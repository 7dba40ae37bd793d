/**
 * Replaces the parts of zod that no contract uses, in wrangler.toml: the English messages, because each contract words
 * its own, and JSON Schema, because the documents come from @hono/zod-openapi. The documents do need zod's
 * `json-schema-processors`, which give the limits of a schema.
 */

/** No messages. */
export default () => ({})

function absent(): never {
  throw new Error('The bundle does not contain the JSON Schema of zod')
}

export { absent as createStandardJSONSchemaMethod, absent as createToJSONSchemaMethod, absent as toJSONSchema }
