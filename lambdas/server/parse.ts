import type * as z from "zod/mini";
import { describeFault } from "./describe-fault.ts";
import { EventError } from "./errors.ts";
import { wordingOf } from "./model/wording.ts";

/** What a schema makes of some input; refuses it by the path of what is wrong, or as a `whole`. */
export function parse<Schema extends z.ZodMiniType>(
  schema: Schema,
  input: unknown,
  whole?: string,
): z.output<Schema> {
  const result = schema.safeParse(input, { error: wordingOf });
  if (result.success) return result.data;
  const { error: cause } = result;
  throw new EventError("invalid_payload", describeFault(cause, whole), { cause });
}
