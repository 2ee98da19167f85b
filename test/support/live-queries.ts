import { createMatching } from "../../lambdas/mudbase/matching.ts";
import { subscribeQuery } from "../../lambdas/mudbase/subscribe.ts";
import { describeFault } from "../../lambdas/server/describe-fault.ts";
import { EVERYBODY } from "../../lambdas/server/model/key-range.ts";
import { SILENT } from "./silent.ts";

const key = { projectId: "p1", collectionId: "todos" };

/** Why `subscribe:query` refuses a filter; `undefined` if it accepts it. */
export function refusalOf(query: unknown): string | undefined {
  const { error } = subscribeQuery.payload().safeParse({ ...key, queryId: "q", query });
  return error && describeFault(error);
}

/** Live queries with these stored filters: the reported faults, and which of them match documents. */
export function collectionOf(filters: readonly string[]) {
  const reported: string[] = [];
  const found = filters.map((filter, n) => ({
    ...{ sid: `s${n}`, connectionId: `c${n}` },
    ...{ queryId: `q${n}`, filter },
  }));
  const fail = (_: string, error: unknown, details: object = {}) => {
    const { queryId } = details as { readonly queryId: string };
    reported.push(`${queryId}: ${(error as Error).message}`);
  };
  const telemetry = { ...SILENT, fail };
  const matching = createMatching({ queries: { page: async () => ({ found }) } }, { telemetry });
  return {
    reported,
    async published(...documents: readonly object[]) {
      const page = await matching.page("acme", { key, documents }, EVERYBODY, filters.length);
      return { matched: page.matching.map(({ field }) => field[1]), until: page.until };
    },
  };
}
