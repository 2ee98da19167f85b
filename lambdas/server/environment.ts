import * as z from "zod/mini";
import { wordingOf } from "./model/wording.ts";

/** A variable that holds JSON. */
export function json<Schema extends z.ZodMiniType>(schema: Schema) {
  const parse = z.transform((text: string): unknown => JSON.parse(text));
  return z.pipe(z.pipe(z.string(), parse), schema);
}

/** Reads variables, or throws an error that names each wrong one. */
export function read<Schema extends z.ZodMiniType>(
  schema: Schema,
  variables: NodeJS.ProcessEnv,
): z.output<Schema> {
  const result = schema.safeParse(variables, { error: wordingOf });
  if (result.success) return result.data;
  throw new Error(`The environment of this function is wrong:\n${z.prettifyError(result.error)}`);
}
