/**
 * The part of zod that the contracts use. wrangler.toml replaces `zod` with this file: the `z` of zod contains every
 * name, so a bundle with it includes all of zod.
 */
import {
  array,
  boolean,
  enum as enumeration,
  int,
  literal,
  looseObject,
  NEVER,
  object,
  preprocess,
  record,
  strictObject,
  string,
  tuple,
  union,
  unknown,
  uuid,
  ZodType,
} from 'zod/v4'

export const z = {
  array,
  boolean,
  enum: enumeration,
  int,
  literal,
  looseObject,
  NEVER,
  object,
  preprocess,
  record,
  strictObject,
  string,
  tuple,
  union,
  unknown,
  uuid,
  ZodType,
}
