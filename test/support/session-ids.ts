import { createHash } from "node:crypto";

/** Session ids, as random as the server's, and the same in each run. */
export const sessionIds = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, n) =>
    createHash("sha256").update(String(n)).digest("base64url").slice(0, 20),
  );
