import type { AppRuntime } from "#server/runtime.ts";
import type { AppAdapter } from "#server/store/app-adapter.ts";
import type { VerifyToken } from "./authentication.ts";
import type { ContractLimits } from "./limits.ts";
import { type Calls, createCalls } from "./store/calls.ts";
import { type Chats, createChats } from "./store/chats.ts";
import {
  createIntegrationRegistry,
  type IntegrationRegistry,
} from "./store/integration-registry.ts";
import { createIntegrations, type Integrations } from "./store/integrations.ts";
import { createMessages, type Messages } from "./store/messages.ts";
import { createPresence, type Presence } from "./store/presence.ts";
import { createQueries, type Queries } from "./store/queries.ts";
import type { CallUpstream } from "./upstream.ts";

/** What every function keeps of the contract. */
export interface CoreStores {
  readonly limits: ContractLimits;
  readonly presence: Presence;
  readonly queries: Queries;
}

/** What publications use besides. */
export interface PublishStores extends CoreStores {
  readonly chats: Chats;
  readonly registry: IntegrationRegistry;
  readonly revocations: AppAdapter["revocations"];
  readonly members: Pick<AppAdapter["rooms"], "page">;
}

/** What events use besides. */
export interface Stores extends CoreStores {
  readonly chats: Chats;
  readonly integrations: Integrations;
  readonly messages: Messages;
  readonly calls: Calls;
  readonly verifyToken: VerifyToken;
  readonly callUpstream: CallUpstream;
}

export function createCoreStores({ table, now, limits: all }: AppRuntime): CoreStores {
  const limits = all as unknown as ContractLimits;
  return {
    limits,
    presence: createPresence({ table, now }),
    queries: createQueries({ table, now }, limits.queriesPerSocket),
  };
}

export const createPublishStores = (runtime: AppRuntime, adapter: AppAdapter): PublishStores => ({
  ...createCoreStores(runtime),
  chats: createChats(runtime.table),
  registry: createIntegrationRegistry(runtime),
  revocations: adapter.revocations,
  members: adapter.rooms,
});

/** The stores of events; what speaks with others than the table is given. */
export function createStores(
  runtime: AppRuntime,
  outside: Pick<Stores, "verifyToken" | "callUpstream">,
): Stores {
  const core = createCoreStores(runtime);
  return {
    ...{ ...core, ...outside },
    chats: createChats(runtime.table),
    integrations: createIntegrations(runtime),
    messages: createMessages(runtime, core.limits.messageRetentionDays),
    calls: createCalls(runtime),
  };
}
