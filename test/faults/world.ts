import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { ulid } from "ulid";
import { identityOf } from "../../lambdas/model/identity.ts";
import { Heartbeat, Limits } from "../../lambdas/model/limits.ts";
import { createRealtimeServer } from "../../lambdas/server.ts";
import { createSockets } from "../../lambdas/sockets.ts";
import { createTable } from "../../lambdas/store/table.ts";
import { createSweep } from "../../lambdas/sweep.ts";
import { startDatabase } from "../../local/database.ts";
import { readStack } from "../../local/template.ts";
import { SILENT } from "../support/silent.ts";

/** How the function dies, or fails, at one of its calls of the database. */
export type Fault = "dies before" | "dies after" | "fails once before" | "fails once after";

/** What a connection was sent: frames in their order. */
type Frames = string[];

/** The server in this process, over the embedded database, with a clock and a fault of the test's own. */
export interface World {
  /** Connects a user; gives the connection's id. */
  connect(userId: string, org: string): Promise<string>;
  send(connectionId: string, frame: string): Promise<void>;
  disconnect(connectionId: string): Promise<void>;
  /** Runs work with a fault at its call of this number; gives how many calls it made. */
  withFault(call: number, fault: Fault | undefined, work: () => Promise<void>): Promise<number>;
  /** Lets half a minute pass and sweeps everything. */
  sweep(): Promise<void>;
  /** Lets time pass. */
  pass(milliseconds: number): void;
  framesOf(connectionId: string): Frames;
  /** Whether the gateway still holds a connection. */
  isConnected(connectionId: string): boolean;
  items(): Promise<Record<string, unknown>[]>;
  stop(): Promise<void>;
}

/** A world with one shard. */
export async function createWorld(
  assembly: string,
  settings: Partial<Limits> = {},
): Promise<World> {
  const limits = Limits.parse({ ...settings, shards: 1 });
  const { tables } = readStack(assembly);
  const database = await startDatabase({ tables });
  const http = createServer(database.answer);
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const real = DynamoDBDocumentClient.from(
    new DynamoDBClient({
      endpoint: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
      region: "us-east-1",
      credentials: { accessKeyId: "TEST", secretAccessKey: "local" },
    }),
    { marshallOptions: { removeUndefinedValues: true } },
  );

  let clock = Date.now();
  const now = () => clock;
  const frames = new Map<string, Frames>();
  let calls = 0;
  let faulty = 0;
  let fault: Fault | undefined;
  let isDead = false;

  const client = {
    async send(command: never) {
      if (isDead) throw new Error("the function is dead");
      calls += 1;
      const strikes = calls === faulty && fault !== undefined;
      if (strikes) isDead = fault?.startsWith("dies") ?? false;
      if (strikes && fault?.endsWith("before")) throw new Error("before the call");
      const result = await real.send(command);
      if (strikes) throw new Error("after the call");
      return result;
    },
  } as unknown as DynamoDBDocumentClient;

  const gateway = {
    async post(connectionId: string, frame: string) {
      if (isDead) throw new Error("the function is dead");
      const received = frames.get(connectionId);
      received?.push(frame);
      return received === undefined ? ("gone" as const) : ("sent" as const);
    },
    async close(connectionId: string) {
      frames.delete(connectionId);
    },
  };
  const table = createTable({
    client,
    tableName: tables[0]?.name ?? "",
    pause: async () => undefined,
  });
  const common = { table, gateway, limits, now, telemetry: SILENT };
  const server = createRealtimeServer({
    ...common,
    invokeSelf: async () => undefined,
    authenticate: async (token) => identityOf(JSON.parse(token)),
    heartbeat: Heartbeat.parse({}),
    allowedOrigins: [],
    callUpstream: async () => ({ ok: true, status: 200, data: {}, durationMs: 1 }),
    newId: ulid,
    pause: async () => undefined,
  });
  const sweeper = createSweep({
    ...common,
    sockets: createSockets(common),
    invokeSelf: async () => undefined,
    shards: limits.shards,
    pingInterval: 240_000,
  });

  const send = (connectionId: string, frame: string) =>
    server
      .onFrame({ connectionId, connectedAt: clock, receivedAt: clock, messageId: ulid() }, frame)
      // socket.ts logs what is thrown here, and API Gateway is told nothing.
      .catch(() => undefined);

  return {
    send,
    async connect(userId, org) {
      const connectionId = ulid();
      frames.set(connectionId, []);
      const query = { EIO: "4", transport: "websocket" };
      await server.accept({ connectionId, connectedAt: clock, headers: {}, query });
      const claims = { sub: userId, org, projects: ["p1"], scope: "api", exp: 9_999_999_999 };
      await send(connectionId, `40${JSON.stringify({ token: JSON.stringify(claims) })}`);
      return connectionId;
    },
    async disconnect(connectionId) {
      frames.delete(connectionId);
      await server.disconnect(connectionId).catch(() => undefined);
    },
    async withFault(call, how, work) {
      [calls, faulty, fault, isDead] = [0, call, how, false];
      await work();
      const made = calls;
      [faulty, fault, isDead] = [0, undefined, false];
      return made;
    },
    async sweep() {
      clock += 31_000;
      await sweeper.sweep({ shard: 0 });
    },
    pass(milliseconds) {
      clock += milliseconds;
    },
    isConnected: (connectionId) => frames.has(connectionId),
    framesOf: (connectionId) => frames.get(connectionId) ?? [],
    items: database.items,
    async stop() {
      real.destroy();
      await database.stop();
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}
