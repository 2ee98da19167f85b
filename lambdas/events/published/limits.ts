import * as z from "zod/mini";
import { Id } from "#model/id.ts";
import { definePublication } from "./define-publication.ts";

/** Gives an organisation a limit of connections of its own; 0 takes it away again. */
export const connectionLimitPut = definePublication({
  entry: z.object({
    event: z.literal("limit:put"),
    org: Id,
    connections: z.int().check(z.minimum(0), z.maximum(10_000_000)),
  }),

  async handle({ entry: { org, connections }, revocations }) {
    await revocations.limit(org, connections);
  },
});
