import { Id } from "../lambdas/server/model/id.ts";

/** The value of a required argument; throws one sentence if it is missing. */
export function required(what: string, value: string | undefined): string {
  if (value === undefined || value === "") throw new Error(`${what} is required; see --help.`);
  return value;
}

/** A required argument that must be a valid id. */
export function requiredId(what: string, value: string | undefined): string {
  const id = required(what, value);
  if (Id.safeParse(id).success) return id;
  throw new Error(
    `${what} must be an id of 1 to 128 characters without control characters, not ${JSON.stringify(id)}.`,
  );
}
