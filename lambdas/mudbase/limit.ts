import * as z from "zod/mini";
import { checked } from "#server/model/fields.ts";
import { Id } from "#server/model/id.ts";
import { definePublication } from "./define.ts";

/** Gives an organisation a limit of connections of its own; 0 takes it away again. */
const connectionLimitPut = /* @__PURE__ */ definePublication({
  names: ["limit:put"],
  entry: () =>
    z.object({
      org: Id,
      connections: checked(z.int(), z.minimum(0), z.maximum(10_000_000)),
    }),

  async handle({ entry: { org, connections }, revocations }) {
    await revocations.limit(org, connections);
  },
});

/** What other back ends may publish. */
export const limitPublications = [connectionLimitPut] as const;
