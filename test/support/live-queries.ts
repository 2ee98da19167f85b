import { createMatching } from "../../lambdas/mudbase/matching.ts";
import { subscribeQuery } from "../../lambdas/mudbase/subscribe.ts";
import { describeFault } from "../../lambdas/server/events/describe-fault.ts";
import { EVERYBODY } from "../../lambdas/server/model/key-range.ts";

const place = { projectId: "p1", collectionId: "todos" };

/** What `subscribe:query` answers to a filter: nothing where it takes it. */
export function refusalOf(query: unknown): string | undefined {
  const { error } = subscribeQuery.payload().safeParse({ ...place, queryId: "q", query });
  return error && describeFault(error);
}

/** Live queries with these filters, as they were stored; what is reported of them, and which match. */
export function collectionOf(filters: readonly string[]) {
  const reported: string[] = [];
  const found = filters.map((filter, n) => ({ connectionId: `c${n}`, queryId: `q${n}`, filter }));
  const matching = createMatching({
    queries: { page: async () => ({ found }) },
    report: ({ queryId }, why) => void reported.push(`${queryId}: ${why}`),
  });
  return {
    reported,
    async published(...documents: readonly object[]) {
      const page = await matching.page("acme", { place, documents }, EVERYBODY, filters.length);
      return { heard: page.matching.map(({ queryId }) => queryId), until: page.until };
    },
  };
}
