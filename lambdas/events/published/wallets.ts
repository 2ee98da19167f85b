import * as z from "zod/mini";
import { optional } from "#model/fields.ts";
import { Id } from "#model/id.ts";
import { walletRoom } from "#model/room.ts";
import { definePublication } from "./define-publication.ts";

/** An amount as a decimal string, which no number of a machine can hold exactly. */
const Decimal = z.string().check(z.regex(/^-?\d{1,80}(\.\d{1,80})?$/));

const Wallet = { org: Id, project: Id, addressId: Id, address: Id, chain: Id };

interface Place {
  readonly addressId: string;
  readonly project: string;
  readonly chain: string;
  readonly currency?: string | undefined;
}

const roomsOf = ({ addressId, project, chain, currency }: Place) => [
  walletRoom("address", addressId),
  walletRoom("project", project),
  walletRoom("chain", chain),
  ...(currency === undefined ? [] : [walletRoom("currency", currency)]),
];

/** The balance of a wallet has changed: subscribers of its address, project, chain and currency hear of it. */
export const balanceUpdated = definePublication({
  entry: z.object({
    event: z.literal("wallet:balance:updated"),
    ...Wallet,
    currency: optional(Id),
    previousBalance: Decimal,
    newBalance: Decimal,
    balance: optional(Decimal),
  }),

  async handle({ entry: { event, ...wallet }, server, timestamp }) {
    const { balance = wallet.newBalance } = wallet;

    server.to(roomsOf(wallet)).emit(event, { ...wallet, balance, timestamp });
  },
});

/** A transaction of a wallet has got further: the same subscribers hear of it. */
export const transactionMoved = definePublication({
  entry: z.object({
    event: z.enum([
      "wallet:tx:detected",
      "wallet:tx:broadcast",
      "wallet:tx:confirmed",
      "wallet:tx:failed",
    ]),
    ...Wallet,
    txHash: Id,
    amount: Decimal,
    currency: Id,
    direction: z.enum(["incoming", "outgoing"]),
  }),

  async handle({ entry: { event, ...transaction }, server, timestamp }) {
    server.to(roomsOf(transaction)).emit(event, { ...transaction, timestamp });
  },
});
