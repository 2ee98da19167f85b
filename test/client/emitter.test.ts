import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { mockClient } from "aws-sdk-client-mock";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { createEmitter, type Emitter } from "../../client/emitter.ts";

const waits = vi.hoisted((): number[] => []);
vi.mock("node:timers/promises", () => ({
  setTimeout: async (milliseconds: number) => void waits.push(milliseconds),
}));

const lambda = mockClient(LambdaClient);
const eventBridge = mockClient(EventBridgeClient);
const region = "us-east-1";
const ways: Record<string, [Emitter, () => unknown[]]> = {
  "an invocation": [
    createEmitter({
      org: "acme",
      via: { lambda: new LambdaClient({ region }), functionName: "publish" },
    }),
    () =>
      lambda
        .commandCalls(InvokeCommand)
        .map(({ args }) => JSON.parse(String(args[0].input.Payload))),
  ],
  "the bus": [
    createEmitter({
      org: "acme",
      via: { eventBridge: new EventBridgeClient({ region }), busName: "bus" },
    }),
    () =>
      eventBridge
        .commandCalls(PutEventsCommand)
        .map(({ args }) => JSON.parse(String(args[0].input.Entries?.[0]?.Detail))),
  ],
};
const change = { projectId: "p1", collectionId: "todos", data: { _id: "t1" } };
const answer = (value: object) => ({
  Payload: { transformToString: () => JSON.stringify(value) } as never,
});
const refused = (errorMessage: string) => ({
  ...answer({ errorMessage }),
  FunctionError: "Unhandled",
});

beforeEach(() => {
  lambda.reset();
  eventBridge.reset();
  waits.length = 0;
  lambda.on(InvokeCommand).resolves(answer({}));
  eventBridge.on(PutEventsCommand).resolves({});
});

describe.each(Object.entries(ways))("by %s", (_, [emitter, sent]) => {
  test("every call has an id, another each time", async () => {
    await emitter.db.create(change);
    await emitter.db.create(change);
    await emitter.to({ kind: "org" }).emit("news");
    await emitter.revoke({ sid: "s1" });

    const ids = sent().map((entry) => (entry as { readonly id?: string }).id);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f-]{36}$/);
    expect(new Set(ids).size).toBe(4);
  });

  test("one's own id is kept, and null is none", async () => {
    await emitter.db.create({ ...change, id: "mine" });
    await emitter.to({ kind: "org" }).emit("news", {}, { id: null });

    expect(sent()).toMatchObject([{ id: "mine" }, { id: null }]);
  });
});

describe("a try that meets an earlier one of its own", () => {
  const [emitter] = ways["an invocation"] ?? [];
  const busy = refused("conflict: the entry e1 is being published");

  test("waits for what becomes of that", async () => {
    lambda
      .on(InvokeCommand)
      .resolvesOnce(busy)
      .resolvesOnce(busy)
      .resolves(answer({ repeated: true }));

    expect(await emitter?.publish({ event: "chat:get", projectId: "p1", chatId: "c" })).toEqual({
      repeated: true,
    });
    expect(waits).toEqual([250, 500]);
  });

  test("gives up after the longest that a function runs", async () => {
    lambda.on(InvokeCommand).resolves(busy);

    await expect(emitter?.db.create(change)).rejects.toThrow(/^conflict: /);
    const waited = waits.reduce((sum, wait) => sum + wait);
    expect(waited).toBeGreaterThan(30_000);
    expect(waited).toBeLessThan(60_000);
  });

  test("is not what any other refusal is: that is thrown at once", async () => {
    lambda.on(InvokeCommand).resolves(refused("data._id: must be string"));

    await expect(emitter?.db.create(change)).rejects.toThrow("data._id: must be string");
    expect(waits).toEqual([]);
  });
});
