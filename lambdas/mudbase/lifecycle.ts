import type { LeanApp, Lifecycle } from "#server/app.ts";
import type { Contract } from "./contract.ts";
import { ContractLimits } from "./limits.ts";
import { comeOnline, goOffline, presenceEmits } from "./presence.ts";
import { revokeEmits } from "./revoke.ts";
import { isPresenceRoom, orgRoom } from "./rooms.ts";
import { type CoreStores, createCoreStores } from "./stores.ts";

/** The contract as functions know it that have no clients of their own. */
export type Core = Omit<Contract, "Stores"> & { readonly Stores: CoreStores };

/** What happens to sockets besides their events. */
export const lifecycle: Lifecycle<Core> = {
  emits: { ...presenceEmits, ...revokeEmits },
  everyone: orgRoom,
  roomsOfKind: { wallet: "walletRoomsPerSocket" },
  // A presence that was under way, and a change that was not announced, are found by the second look.
  repeatsOnDisconnect: true,
  onDisconnect: (socket, rooms, context) =>
    goOffline(socket, rooms.filter(isPresenceRoom), context.io.to, context),
  awayAfter: "presenceGrace",
  onAway: (socket, rooms, context) =>
    goOffline(socket, rooms.filter(isPresenceRoom), context.io.to, context, {
      receivedAt: context.receivedAt,
      leave: async () => undefined,
    }),
  onBack: (socket, rooms, context) =>
    comeOnline(socket, rooms.filter(isPresenceRoom), context.io.to, context),
  async refresh(socket, { rooms, claims }, { queries, presence }) {
    await queries.refresh(socket, claims);
    await presence.refresh(socket, rooms.filter(isPresenceRoom));
  },
  async release(socket, { rooms, claims }, { queries, presence }, upTo) {
    await queries.erase(socket, claims, upTo);
    await presence.forget(socket, rooms.filter(isPresenceRoom), upTo);
  },
  onExpire: ({ emit }, timestamp) =>
    emit("session:expired", { reason: "the token has expired", timestamp }),
};

/** The functions that sweep and that fan out. */
export const core: LeanApp<Core> = {
  namespaces: { "/": lifecycle },
  limits: ContractLimits,
  stores: createCoreStores,
};
