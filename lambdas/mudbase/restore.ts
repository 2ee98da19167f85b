import * as z from "zod/mini";
import { Id } from "#server/model/id.ts";
import { definePublication } from "./define.ts";
import { roomOf, Target } from "./revoke.ts";

/** Takes a revocation back. */
const restored = /* @__PURE__ */ definePublication({
  names: ["restore"],
  entry: () => z.object({ org: Id, target: Target }),

  handle: ({ entry: { org, target }, revocations }) => revocations.remove(org, roomOf(target)),
});

/** What other back ends may publish. */
export const restorePublications = [restored] as const;
