import { createIdempotency } from "../../lambdas/server/store/idempotency.ts";
import { createTable } from "../../lambdas/server/store/table.ts";
import { TableName, table } from "./table.ts";

const idempotency = createIdempotency(
  {
    table: createTable({ client: table, tableName: TableName, pause: async () => undefined }),
    now: Date.now,
  },
  600_000,
);

/** Runs `work` while another call with the same idempotency key is in progress, which then fails. */
export async function whileInProgress<Result>(
  kind: string,
  id: string,
  work: () => Promise<Result>,
): Promise<Result> {
  let result: { readonly value: Result } | undefined;
  const other = idempotency.run(kind, [id], async () => {
    result = { value: await work() };
    throw new Error("the first attempt fails");
  });
  await other.catch(() => undefined);
  if (result === undefined) throw new Error(`${id} was in progress already`);
  return result.value;
}
