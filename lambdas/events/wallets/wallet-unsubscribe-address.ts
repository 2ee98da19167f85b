import * as z from "zod/mini";
import { Id } from "#model/id.ts";
import { walletRoom } from "#model/room.ts";
import { organisationMember } from "../access.ts";
import { defineEvent } from "../define-event.ts";

/** Ends the subscription to the wallet of an address. */
export const walletUnsubscribeAddress = defineEvent({
  name: "wallet:unsubscribe:address",
  payload: z.object({ addressId: Id }),
  access: organisationMember,
  reply: "wallet:unsubscribed",

  async handle({ payload: { addressId }, socket }) {
    await socket.leave(walletRoom("address", addressId));

    return { type: "address" as const, addressId };
  },
});
