import type * as z from "zod/mini";

/** Says what is wrong with some input, to whoever sent it. zod's own wording is three kilobytes. */
export function wordingOf(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case "invalid_type":
      // What zod calls a field whose value is made from another one, where that is missing.
      return issue.expected === "nonoptional" ? "is missing" : `must be ${issue.expected}`;
    case "invalid_value":
      return `must be one of ${issue.values.join(", ")}`;
    case "too_small":
      return `must be ${issue.minimum} at least${unitOf(issue.origin)}`;
    case "too_big":
      return `must be ${issue.maximum} at most${unitOf(issue.origin)}`;
    case "invalid_format":
      return `must be ${issue.format === "regex" ? "of another form" : issue.format}`;
    case "unrecognized_keys":
      return `has unknown ${issue.keys.join(", ")}`;
    default:
      return undefined;
  }
}

const UNITS: Readonly<Record<string, string>> = {
  string: "characters",
  array: "items",
  set: "items",
};

function unitOf(origin: string): string {
  const unit = UNITS[origin];
  return unit === undefined ? "" : ` (${unit})`;
}
