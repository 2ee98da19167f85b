import * as z from "zod/mini";
import { Id } from "#model/id.ts";
import { walletRoom } from "#model/room.ts";
import { organisationMember } from "../access.ts";
import { defineEvent } from "../define-event.ts";

const Chain = z.pipe(
  Id,
  z.transform((chain: string) => chain.toLowerCase()),
);

/** Subscribes to all wallets on a chain, whatever the case of its name. */
export const walletSubscribeChain = defineEvent({
  name: "wallet:subscribe:chain",
  payload: z.object({ chain: Chain }),
  access: organisationMember,
  reply: "wallet:subscribed",

  async handle({ payload: { chain }, socket }) {
    await socket.join(walletRoom("chain", chain));

    return { type: "chain" as const, chain, room: `wallet:chain:${chain}` };
  },
});
