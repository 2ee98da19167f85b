import { type App, defineApp } from "#server/app.ts";
import { headerOf } from "#server/engine/handshake.ts";
import type { Runtime } from "#server/runtime.ts";
import { authEvents } from "./auth.ts";
import { unauthenticated } from "./authentication.ts";
import { callEvents } from "./call.ts";
import { chatEvents } from "./chat.ts";
import { type Contract, emits } from "./contract.ts";
import { customEvents } from "./custom.ts";
import { integrationEvents, refuseIntegration } from "./integration.ts";
import { lifecycle } from "./lifecycle.ts";
import { ContractLimits } from "./limits.ts";
import { messageEvents } from "./message.ts";
import { messagesEvents } from "./messages.ts";
import { type Claims, identityOf } from "./model/identity.ts";
import { presenceEvents } from "./presence.ts";
import type { Stores } from "./stores.ts";
import { subscribeEvents } from "./subscribe.ts";
import { unsubscribeEvents } from "./unsubscribe.ts";
import { walletEvents } from "./wallet.ts";

/** The events that clients may send, by what their names begin with. */
export const domains = {
  subscribe: { events: subscribeEvents },
  unsubscribe: { events: unsubscribeEvents },
  integration: {
    events: integrationEvents,
    rate: "integrationEventsPerSecond",
    refusal: refuseIntegration,
  },
  wallet: { events: walletEvents },
  presence: { events: presenceEvents },
  auth: { events: authEvents },
  chat: { events: chatEvents },
  message: { events: messageEvents, rate: "messageEventsPerSecond" },
  messages: { events: messagesEvents, rate: "messageEventsPerSecond" },
  call: { events: callEvents, rate: "callEventsPerSecond" },
  custom: {
    events: customEvents,
    rate: "customEventsPerSecond",
    maxBytes: "customPayloadBytes",
  },
} as const;

/** One of the events a client may send. */
export type ClientEvent = (typeof domains)[keyof typeof domains]["events"][number];

/** The contract as an application of the server; what its handlers use is made by the function. */
export const contractApp = (stores: (runtime: Runtime) => Stores): App<Contract> =>
  defineApp<Contract>({
    namespaces: {
      "/": {
        ...lifecycle,
        ...{ emits, domains },
        immutableData: true,
        ownRoom: false,
        // A token in CONNECT comes before one in the handshake, which was verified when it came.
        async authenticate({ auth: { token }, kept }, { verifyToken }) {
          const claims = typeof token === "string" ? await verifyToken(token) : await kept();
          if (claims === undefined) throw unauthenticated("there is no token");
          return identityOf(claims as Claims);
        },
        onFull: ({ emit }, limit) =>
          emit("error", { message: "Realtime connection limit reached for your plan.", limit }),
      },
    },
    limits: ContractLimits,
    stores,

    async keepOfUpgrade({ headers, query }, { verifyToken }) {
      const token = bearerToken(headers) ?? query.token;
      return token === undefined ? undefined : verifyToken(token);
    },
  });

function bearerToken(headers: Readonly<Record<string, string | undefined>>): string | undefined {
  return /^Bearer (.+)$/i.exec(headerOf(headers, "authorization") ?? "")?.[1];
}
