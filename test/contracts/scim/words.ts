/** The names of SCIM's wire. */
export const base = '/scim/v2'
export const userSchema = 'urn:ietf:params:scim:schemas:core:2.0:User'
export const groupSchema = 'urn:ietf:params:scim:schemas:core:2.0:Group'
export const enterprise = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'
export const patchSchema = 'urn:ietf:params:scim:api:messages:2.0:PatchOp'
export const searchSchema = 'urn:ietf:params:scim:api:messages:2.0:SearchRequest'
