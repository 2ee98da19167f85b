import * as z from "zod/mini";
import { Id } from "#model/id.ts";
import { walletRoom } from "#model/room.ts";
import { organisationMember } from "../access.ts";
import { defineEvent } from "../define-event.ts";

/** Subscribes to the wallet of an address. */
export const walletSubscribeAddress = defineEvent({
  name: "wallet:subscribe:address",
  payload: z.object({ addressId: Id }),
  access: organisationMember,
  reply: "wallet:subscribed",

  async handle({ payload: { addressId }, socket }) {
    await socket.join(walletRoom("address", addressId));

    return { type: "address" as const, addressId, room: `wallet:address:${addressId}` };
  },
});
