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

/** An object in JSON; throws one sentence if it is none. */
export function objectIn(flag: string, text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  } catch {
    // It is said below.
  }
  throw new Error(`${flag} must be an object in JSON, not ${JSON.stringify(text)}.`);
}

/** A time like `30m`, `12h` or `7d`; throws one sentence if it is none. */
export function timeIn(value: string): string {
  if (/^[1-9]\d{0,5}[smhdwy]$/.test(value)) return value;
  throw new Error(`--expires must be a time like 30m, 12h or 7d, not ${JSON.stringify(value)}.`);
}
