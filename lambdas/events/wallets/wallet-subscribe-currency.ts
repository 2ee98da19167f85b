import * as z from "zod/mini";
import { Id } from "#model/id.ts";
import { walletRoom } from "#model/room.ts";
import { organisationMember } from "../access.ts";
import { defineEvent } from "../define-event.ts";

const Currency = z.pipe(
  Id,
  z.transform((currency: string) => currency.toUpperCase()),
);

/** Subscribes to all wallets in a currency, whatever the case of its name. */
export const walletSubscribeCurrency = defineEvent({
  name: "wallet:subscribe:currency",
  payload: z.object({ currency: Currency }),
  access: organisationMember,
  reply: "wallet:subscribed",

  async handle({ payload: { currency }, socket }) {
    await socket.join(walletRoom("currency", currency));

    return { type: "currency" as const, currency, room: `wallet:currency:${currency}` };
  },
});
