import { ApiGatewayManagementApiClient } from "@aws-sdk/client-apigatewaymanagementapi";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { contractApp } from "../../lambdas/mudbase/app.ts";
import { core } from "../../lambdas/mudbase/lifecycle.ts";
import { ContractLimits as Limits } from "../../lambdas/mudbase/limits.ts";
import { createStores } from "../../lambdas/mudbase/stores.ts";
import { createGateway, type Gateway } from "../../lambdas/server/gateway/connections.ts";
import { Heartbeat } from "../../lambdas/server/model/limits.ts";
import type { Telemetry } from "../../lambdas/server/model/telemetry.ts";
import type { FanOutJob } from "../../lambdas/server/pipeline/deliver.ts";
import { createParts } from "../../lambdas/server/pipeline/parts.ts";
import { createSender, sendPart } from "../../lambdas/server/pipeline/send.ts";
import { createServer } from "../../lambdas/server/pipeline.ts";
import { createNewId, type Runtime } from "../../lambdas/server/runtime.ts";
import { createConnections } from "../../lambdas/server/store/connections.ts";
import { createTable, type Item, type Table } from "../../lambdas/server/store/table.ts";
import type { Aws } from "./measure.ts";

const SILENT: Telemetry = {
  note: () => undefined,
  fail: (message, error) => {
    throw new Error(message, { cause: error });
  },
  about: () => undefined,
  count: () => undefined,
};

/** The calls of AWS that some work makes. */
export interface Calls {
  reads: number;
  invocations: number;
  posts: number;
}

/** The functions in this process, over AWS in another; workers run within this process. */
export function createFunctions({ url, tableName }: Aws, calls: Calls) {
  const access = {
    region: "us-east-1",
    credentials: { accessKeyId: "BENCH", secretAccessKey: "local" },
  };
  const database = new DynamoDBClient({ ...access, endpoint: url });
  const client = DynamoDBDocumentClient.from(database, {
    marshallOptions: { removeUndefinedValues: true },
  });
  const management = new ApiGatewayManagementApiClient({ ...access, endpoint: `${url}/live` });
  const pause = async () => undefined;
  const table = createTable({ client, tableName, pause });
  const gateway = createGateway({
    ...{ client: management, pause, now: Date.now, count: () => undefined },
  });
  const counted: Table = {
    ...table,
    page: (query) => {
      calls.reads += 1;
      return table.page(query);
    },
  };
  const posting: Gateway = {
    ...gateway,
    post: (...frame) => {
      calls.posts += 1;
      return gateway.post(...frame);
    },
  };
  const runtime = runtimeOver(counted, posting, async (job) => {
    calls.invocations += 1;
    await sendPart(sender, job as FanOutJob, Date.now());
  });
  const sender = createSender(createParts(core, runtime));
  return {
    table,
    sender,
    stop() {
      database.destroy();
      management.destroy();
    },
  };
}

const runtimeOver = (
  table: Table,
  gateway: Gateway,
  invokeWorker: Runtime["invokeWorker"],
): Runtime => ({
  ...{ table, gateway, invokeWorker, telemetry: SILENT, now: Date.now, newId: createNewId() },
  limits: Limits.parse({ framesPerSecond: 0, customEventsPerSecond: 0 }),
  heartbeat: Heartbeat.parse({}),
  allowedOrigins: [],
  invokeSelf: async () => undefined,
  pause: async () => undefined,
  remaining: () => 29_000,
  variables: {},
});

/** The server whose table knows one session and one room of so many, and whose posts go nowhere. */
export async function createBareServer(members: number) {
  const data = { projects: ["p1"], user: { id: "ann" } };
  const session = { id: "s0", tenant: "acme", userId: "ann", data, expiresAt: 9_999_999_999 };
  const connection = { ...(await newConnection()), sockets: { "/": session } };
  const items = Array.from({ length: members }, (_, n) => ({
    ...{ sk: `s${n}`, address: `c${n}=`, userId: `u${n}` },
  }));
  const table: Table = {
    ...EMPTY_TABLE,
    get: async (key) => ({ ...connection, ...key }),
    page: async () => ({ items, count: items.length }),
  };
  const gateway: Gateway = { post: async () => "sent", close: async () => undefined };
  const runtime = runtimeOver(table, gateway, async () => undefined);
  const app = contractApp(() =>
    createStores(runtime, {
      verifyToken: () => Promise.reject(new Error("nobody connects")),
      callUpstream: async () => ({ ok: false, error: "" }),
    }),
  );
  return createServer(createParts(app, runtime));
}

/** A table that takes everything and keeps nothing. */
const EMPTY_TABLE: Table = {
  get: async () => undefined,
  peek: async () => undefined,
  getAll: async () => [],
  put: async () => undefined,
  putIf: async () => true,
  create: async () => true,
  update: async () => ({}),
  remove: async () => undefined,
  writeAll: async () => undefined,
  async *pages() {},
  page: async () => ({ items: [], count: 0 }),
};

/** The item of a new connection as the store itself writes it, whatever that comes to hold. */
async function newConnection(): Promise<Item> {
  let written: Item = {};
  const putIf = async (item: Item) => {
    written = item;
    return true;
  };
  await createConnections({ ...EMPTY_TABLE, putIf }, 1).add("c0=", Date.now());
  return written;
}
