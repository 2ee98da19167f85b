import { type App, defineApp } from "#server/app.ts";
import { headerOf } from "#server/engine/handshake.ts";
import type { AppRuntime } from "#server/runtime.ts";
import { unauthenticated } from "./authentication.ts";
import { type Contract, emits } from "./contract.ts";
import { domains } from "./domains.ts";
import { lifecycle } from "./lifecycle.ts";
import { ContractLimits } from "./limits.ts";
import { type Claims, identityOf } from "./model/identity.ts";
import { recall } from "./recall.ts";
import type { Stores } from "./stores.ts";

/** The contract as an application of the server; what its handlers use is made by the function. */
export const contractApp = (stores: (runtime: AppRuntime) => Stores): App<Contract> =>
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

    recall: (socket, claims, { queries }) => recall(queries, socket, claims),

    async keepOfUpgrade({ headers, query }, { verifyToken }) {
      const token = bearerToken(headers) ?? query.token;
      return token === undefined ? undefined : verifyToken(token);
    },
  });

function bearerToken(headers: Readonly<Record<string, string | undefined>>): string | undefined {
  return /^Bearer (.+)$/i.exec(headerOf(headers, "authorization") ?? "")?.[1];
}
