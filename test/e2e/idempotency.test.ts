import { beforeEach, describe, expect, test } from "vitest";
import { createIdempotency } from "../../lambdas/server/store/idempotency.ts";
import { createTable } from "../../lambdas/server/store/table.ts";
import { TableName, table } from "../support/table.ts";

let now = Date.now();
const idempotency = createIdempotency(
  {
    table: createTable({ client: table, tableName: TableName, pause: async () => undefined }),
    now: () => now,
  },
  600_000,
);
let kind = 0;
beforeEach(() => {
  kind += 1;
});
const run = <Result>(
  ids: readonly string[],
  work: (commit: () => Promise<void>) => Promise<Result>,
) => idempotency.run(`kind ${kind}`, ids, work);
const failing = async () => Promise.reject(new Error("it fails"));

describe("an operation with an idempotency key", () => {
  test("runs once, and again when the key has expired", async () => {
    expect(await run(["a"], async () => 1)).toEqual({ status: "done", result: 1 });
    expect(await run(["a"], async () => 2)).toEqual({ status: "repeated" });
    now += 600_000;

    expect(await run(["a"], async () => 3)).toEqual({ status: "done", result: 3 });
    expect(await run(["a"], async () => 4)).toEqual({ status: "repeated" });
  });

  test("is in progress while it runs, with the time after which it no longer can be", async () => {
    await run(["a"], async () => {
      now += 1000;
      expect(await run(["a"], async () => 2)).toEqual({ status: "busy", retryAfterMs: 29_000 });
    });

    expect(await run(["a"], async () => 3)).toEqual({ status: "repeated" });
  });

  test("can run again at once if it failed, but not if it failed after its commit", async () => {
    await expect(run(["a"], failing)).rejects.toThrow("it fails");
    const late = run(["a"], async (commit) => {
      await commit();
      await failing();
    });
    await expect(late).rejects.toThrow("it fails");

    expect(await run(["a"], async () => 1)).toEqual({ status: "repeated" });
  });

  test("whose function died runs at the first attempt after half a minute", async () => {
    await new Promise<void>((died) => {
      void run(["a"], () => {
        died();
        return new Promise(() => undefined);
      });
    });
    expect(await run(["a"], async () => 2)).toMatchObject({ status: "busy" });
    now += 30_000;

    expect(await run(["a"], async () => 3)).toEqual({ status: "done", result: 3 });
  });
});

describe("an operation with several idempotency keys", () => {
  test("is a repetition with each of them, combined with any other", async () => {
    await run(["a", "b"], async () => 1);

    expect(await run(["a"], async () => 2)).toEqual({ status: "repeated" });
    expect(await run(["c", "b"], async () => 2)).toEqual({ status: "repeated" });
    // c was a key of the same operation.
    expect(await run(["c"], async () => 2)).toEqual({ status: "repeated" });
  });

  test("does not claim a key that came with a repeated one", async () => {
    await run(["a", "b"], async () => 1);
    expect(await run(["a", "d"], async () => 2)).toEqual({ status: "repeated" });

    expect(await run(["e", "d"], async () => 3)).toEqual({ status: "done", result: 3 });
  });

  test("leaves all keys free if it fails, or if one of them is in progress", async () => {
    await expect(run(["a", "b"], failing)).rejects.toThrow("it fails");
    await run(["b"], async () => {
      expect(await run(["a", "b"], async () => 2)).toMatchObject({ status: "busy" });
      expect(await run(["a"], async () => 3)).toEqual({ status: "done", result: 3 });
    });
  });
});
