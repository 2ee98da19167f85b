import { Id } from "../lambdas/server/model/id.ts";

/** What is given for something that a command needs; throws one sentence where nothing is. */
export function required(what: string, given: string | undefined): string {
  if (given === undefined || given === "")
    throw new Error(`${what} is required; --help explains all.`);
  return given;
}

/** The same for an id, which has to be one. */
export function requiredId(what: string, given: string | undefined): string {
  const id = required(what, given);
  if (Id.safeParse(id).success) return id;
  throw new Error(
    `${what} takes an id of 1 to 128 characters, none of them a control character, not ${JSON.stringify(id)}.`,
  );
}
