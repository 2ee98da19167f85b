import * as z from "zod/mini";
import { walletRoom } from "#mudbase/rooms.ts";
import { checked, optional, texts } from "#server/model/fields.ts";
import { Id } from "#server/model/id.ts";
import { organisationMember, projectMember } from "./access.ts";
import { defineMembership, definePublication } from "./define.ts";

const WalletChange = texts("addressId", "address", "chain", "project", "org", "timestamp");

const TransactionChange = z.extend(WalletChange, {
  txHash: z.string(),
  amount: z.string(),
  currency: z.string(),
  direction: z.enum(["incoming", "outgoing"]),
});

/** What leaves to clients. */
export const walletEmits = {
  "wallet:subscribed": z.union([
    z.object({ type: z.literal("address"), addressId: z.string(), room: z.string() }),
    z.object({ type: z.literal("project"), projectId: z.string(), room: z.string() }),
    z.object({ type: z.literal("chain"), chain: z.string(), room: z.string() }),
    z.object({ type: z.literal("currency"), currency: z.string(), room: z.string() }),
  ]),
  "wallet:unsubscribed": z.union([
    z.object({ type: z.literal("address"), addressId: z.string() }),
    z.object({ type: z.literal("project"), projectId: z.string() }),
  ]),
  "wallet:balance:updated": z.extend(WalletChange, {
    currency: z.optional(z.string()),
    previousBalance: z.string(),
    newBalance: z.string(),
    balance: z.string(),
  }),
  "wallet:tx:detected": TransactionChange,
  "wallet:tx:broadcast": TransactionChange,
  "wallet:tx:confirmed": TransactionChange,
  "wallet:tx:failed": TransactionChange,
};

/** Subscribes to the wallet of an address. */
const walletSubscribeAddress = /* @__PURE__ */ defineMembership({
  name: "wallet:subscribe:address",
  payload: () => z.object({ addressId: Id }),
  access: organisationMember,
  reply: "wallet:subscribed",
  does: "join",
  rooms: ({ payload: { addressId } }) => walletRoom("address", addressId),
  answer: ({ payload: { addressId } }) => ({
    type: "address" as const,
    addressId,
    room: `wallet:address:${addressId}`,
  }),
});

/** Subscribes to all wallets of a project. */
const walletSubscribeProject = /* @__PURE__ */ defineMembership({
  name: "wallet:subscribe:project",
  payload: () => z.object({ projectId: Id }),
  access: projectMember,
  reply: "wallet:subscribed",
  does: "join",
  rooms: ({ projectId }) => walletRoom("project", projectId),
  answer: ({ projectId }) => ({
    type: "project" as const,
    projectId,
    room: `wallet:project:${projectId}`,
  }),
});

const Chain = z.pipe(
  Id,
  z.transform((chain: string) => chain.toLowerCase()),
);

/** Subscribes to all wallets on a chain, whatever the case of its name. */
const walletSubscribeChain = /* @__PURE__ */ defineMembership({
  name: "wallet:subscribe:chain",
  payload: () => z.object({ chain: Chain }),
  access: organisationMember,
  reply: "wallet:subscribed",
  does: "join",
  rooms: ({ payload: { chain } }) => walletRoom("chain", chain),
  answer: ({ payload: { chain } }) => ({
    type: "chain" as const,
    chain,
    room: `wallet:chain:${chain}`,
  }),
});

const Currency = z.pipe(
  Id,
  z.transform((currency: string) => currency.toUpperCase()),
);

/** Subscribes to all wallets in a currency, whatever the case of its name. */
const walletSubscribeCurrency = /* @__PURE__ */ defineMembership({
  name: "wallet:subscribe:currency",
  payload: () => z.object({ currency: Currency }),
  access: organisationMember,
  reply: "wallet:subscribed",
  does: "join",
  rooms: ({ payload: { currency } }) => walletRoom("currency", currency),
  answer: ({ payload: { currency } }) => ({
    type: "currency" as const,
    currency,
    room: `wallet:currency:${currency}`,
  }),
});

/** Ends the subscription to the wallet of an address. */
const walletUnsubscribeAddress = /* @__PURE__ */ defineMembership({
  name: "wallet:unsubscribe:address",
  payload: () => z.object({ addressId: Id }),
  access: organisationMember,
  reply: "wallet:unsubscribed",
  does: "leave",
  rooms: ({ payload: { addressId } }) => walletRoom("address", addressId),
  answer: ({ payload: { addressId } }) => ({ type: "address" as const, addressId }),
});

/** Ends the subscription to all wallets of a project. */
const walletUnsubscribeProject = /* @__PURE__ */ defineMembership({
  name: "wallet:unsubscribe:project",
  payload: () => z.object({ projectId: Id }),
  access: projectMember,
  reply: "wallet:unsubscribed",
  does: "leave",
  rooms: ({ projectId }) => walletRoom("project", projectId),
  answer: ({ projectId }) => ({ type: "project" as const, projectId }),
});

/** An amount as a decimal string, which no number of a machine can hold exactly. */
const Decimal = checked(z.string(), z.regex(/^-?\d{1,80}(\.\d{1,80})?$/));

const Wallet = { org: Id, project: Id, addressId: Id, address: Id, chain: Id };

interface Moved {
  readonly addressId: string;
  readonly project: string;
  readonly chain: string;
  readonly currency?: string | undefined;
}

const roomsOf = ({ addressId, project, chain, currency }: Moved) => [
  walletRoom("address", addressId),
  walletRoom("project", project),
  walletRoom("chain", chain),
  ...(currency === undefined ? [] : [walletRoom("currency", currency)]),
];

/** The balance of a wallet has changed: subscribers of its address, project, chain and currency hear of it. */
const balanceUpdated = /* @__PURE__ */ definePublication({
  names: ["wallet:balance:updated"],
  entry: () =>
    z.object({
      ...Wallet,
      currency: optional(Id),
      previousBalance: Decimal,
      newBalance: Decimal,
      balance: optional(Decimal),
    }),

  async handle({ event, entry: wallet, io, timestamp }) {
    const { balance = wallet.newBalance } = wallet;

    io.to(roomsOf(wallet)).emit(event, { ...wallet, balance, timestamp });
  },
});

/** A transaction of a wallet has got further: the same subscribers hear of it. */
const transactionMoved = /* @__PURE__ */ definePublication({
  names: ["wallet:tx:detected", "wallet:tx:broadcast", "wallet:tx:confirmed", "wallet:tx:failed"],
  entry: () =>
    z.object({
      ...Wallet,
      txHash: Id,
      amount: Decimal,
      currency: Id,
      direction: z.enum(["incoming", "outgoing"]),
    }),

  async handle({ event, entry: transaction, io, timestamp }) {
    io.to(roomsOf(transaction)).emit(event, { ...transaction, timestamp });
  },
});

/** What clients may send. */
export const walletEvents = [
  walletSubscribeAddress,
  walletSubscribeProject,
  walletSubscribeChain,
  walletSubscribeCurrency,
  walletUnsubscribeAddress,
  walletUnsubscribeProject,
] as const;

/** What other back ends may publish. */
export const walletPublications = [balanceUpdated, transactionMoved] as const;
