import type { ApiGatewayManagementApiClient } from "@aws-sdk/client-apigatewaymanagementapi";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { ConfiguredRetryStrategy } from "@smithy/core/retry";
import { ulid } from "ulid";
import { afterAll, afterEach, expect, inject, test } from "vitest";
import { createGateway } from "../../lambdas/server/gateway/connections.ts";
import { Heartbeat, Limits } from "../../lambdas/server/model/limits.ts";
import { acknowledge } from "../../lambdas/server/pipeline/acknowledgements.ts";
import { createParts, createPublisher } from "../../lambdas/server/pipeline/parts.ts";
import type { Runtime } from "../../lambdas/server/runtime.ts";
import { memberItem } from "../../lambdas/server/store/session-item.ts";
import { createTable } from "../../lambdas/server/store/table.ts";
import { startDatabase } from "../../local/database.ts";
import { readStack } from "../../local/template.ts";
import { app } from "../support/quiz.ts";
import { SILENT } from "../support/silent.ts";

const numbers = (length: number) => Array.from({ length }, (_, n) => n);

/** How one call of AWS goes wrong, before the SDK or the gateway tries it again. */
type Fault = "fails before" | "fails after" | "is throttled";

const { tables } = readStack(inject("assembly"));
const database = await startDatabase({ tables });
afterAll(() => database.stop());

/** The calls so far, and which of them goes wrong. */
let calls = 0;
let faulty: ReadonlySet<number> = new Set();
let fault: Fault = "fails before";

async function attempt<Answer>(call: () => Promise<Answer>, failed: (name: string) => Answer) {
  calls += 1;
  if (!faulty.has(calls)) return call();
  if (fault === "fails after") await call();
  return failed(fault === "is throttled" ? "ThrottlingException" : "InternalServerError");
}

/** The SDK's own client, with its retries, before the embedded database in this process. */
const dynamo = new DynamoDBClient({
  region: "us-east-1",
  credentials: { accessKeyId: "KEY", secretAccessKey: "secret" },
  // As often as by default, without the time in between.
  retryStrategy: new ConfiguredRetryStrategy(3, 0),
  requestHandler: {
    handle: async ({ headers, body }: { headers: Record<string, string>; body: Uint8Array }) => {
      const [, operation = ""] = headers["x-amz-target"]?.split(".") ?? [];
      const answer = await attempt<object>(
        () => database.call(operation, JSON.parse(Buffer.from(body).toString())),
        (__type) => ({ __type, message: "injected fault" }),
      );
      const { __type } = answer as { readonly __type?: string };
      const statusCode = __type === undefined ? 200 : /Internal/.test(__type) ? 500 : 400;
      return {
        response: {
          statusCode,
          headers: { "content-type": "application/x-amz-json-1.0" },
          body: Buffer.from(JSON.stringify(answer)),
        },
      };
    },
  } as never,
});

// The clock goes as fast as somebody waits for it.
let clock = Date.now();
const now = () => clock;
const underWay = new Set<Promise<unknown>>();
const pause = async (milliseconds: number) => {
  await Promise.all(underWay);
  clock += Math.ceil(milliseconds);
};

/** Connections whose clients do not answer. */
const silent = new Set<string>();

const management = {
  async send({ input }: { input: { ConnectionId: string; Data: string } }) {
    const { ConnectionId, Data } = input;
    await attempt(
      async () => void answer(ConnectionId, String(Data)),
      (name) => {
        throw Object.assign(new Error(name), { name, $metadata: { httpStatusCode: 500 } });
      },
    );
    return {};
  },
} as unknown as ApiGatewayManagementApiClient;

const runtime: Runtime = {
  table: createTable({
    client: DynamoDBDocumentClient.from(dynamo, {
      marshallOptions: { removeUndefinedValues: true },
    }),
    tableName: tables[0]?.name ?? "",
    pause,
  }),
  gateway: createGateway({ client: management, pause, now, count: SILENT.count }),
  invokeSelf: async () => undefined,
  invokeWorker: async () => undefined,
  limits: Limits.parse({ eventsPerSecond: 0, framesPerSecond: 0 }),
  heartbeat: Heartbeat.parse({}),
  allowedOrigins: [],
  newId: () => ulid(clock),
  ...{ now, pause, remaining: () => 29_000, telemetry: SILENT, variables: {} },
};
const parts = createParts(app, runtime);
const publish = createPublisher(parts);

/** What a client answers to a question: the number of its socket. */
function answer(connectionId: string, frame: string): void {
  const [, id] = /^42(\d+)\["question"/.exec(frame) ?? [];
  if (id === undefined || silent.has(connectionId)) return;
  const [room = "", number] = connectionId.split("-");
  const answering = acknowledge(
    parts,
    { id: sidOf(room, Number(number)), tenant: "", userId: "", data: {} },
    { type: "ack", nsp: "/", ackId: Number(id), args: [Number(number)] },
  );
  underWay.add(answering);
  void answering.finally(() => underWay.delete(answering));
}

const sidOf = (room: string, number: number) => `${room}x${String(number).padStart(4, "0")}`;

let rooms = 0;

/** Lists sockets in a room, of which the last ones never answer. */
async function players(count: number, quiet: number) {
  const room = `room${++rooms}`;
  const items = numbers(count).map((number) => {
    const connectionId = `${room}-${number}`;
    if (number >= count - quiet) silent.add(connectionId);
    const member = { sid: sidOf(room, number), tenant: "", nsp: "/", userId: "" };
    return memberItem({ connectionId, connectedAt: clock }, member, room, clock, clock);
  });
  await runtime.table.writeAll(items, []);
  return room;
}

interface Outcome {
  readonly outcome: { readonly responses: readonly number[]; readonly missing: readonly string[] };
}

async function ask(room: string) {
  const { outcome } = (await publish({ event: "ask", room, milliseconds: 100 })) as Outcome;
  await Promise.all(underWay);
  const { responses, missing } = outcome;
  return { answered: responses.toSorted((a, b) => a - b), missing: missing.length };
}

test("of a thousand sockets, of which ten do not answer, there are 990 answers and ten ids", async () => {
  const room = await players(1000, 10);

  expect(await ask(room)).toEqual({ answered: numbers(990), missing: 10 });
});

afterEach(() => {
  faulty = new Set();
});

test.each(["fails before", "fails after", "is throttled"] as const)(
  "if a call %s, no answer is lost, none counts twice, and nobody else is missing",
  async (kind) => {
    const room = await players(12, 2);
    fault = kind;
    calls = 0;
    await ask(room);
    const made = calls;

    for (let call = 1; call <= made; call += 1) {
      calls = 0;
      faulty = new Set([call]);
      expect({ call, ...(await ask(room)) }).toEqual({ call, answered: numbers(10), missing: 2 });
    }
  },
);
