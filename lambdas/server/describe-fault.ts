import type * as z from "zod/mini";

interface Issue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** Says in one sentence what is wrong with some input, beginning with the path to it. */
export function describeFault({ issues }: z.core.$ZodError, whole = "payload"): string {
  const { path, message } = deepest(issues);
  return `${path.join(".") || whole}: ${message}`;
}

/** The issue that names the most precise path: in a union, that of the form that was meant. */
function deepest(issues: readonly z.core.$ZodIssue[]): Issue {
  const leaves = issues.flatMap((issue): Issue[] =>
    issue.code === "invalid_union" && issue.errors.length > 0
      ? issue.errors.map((branch) => {
          const { path, message } = deepest(branch);
          return { path: [...issue.path, ...path], message };
        })
      : [issue],
  );
  return leaves.reduce((best, issue) => (issue.path.length > best.path.length ? issue : best));
}
