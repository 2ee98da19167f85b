import { createHmac } from "node:crypto";
import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { monotonicFactory, ulid } from "ulid";
import { contractApp } from "../../lambdas/mudbase/app.ts";
import { core } from "../../lambdas/mudbase/lifecycle.ts";
import { ContractLimits as Limits } from "../../lambdas/mudbase/limits.ts";
import { createMatching } from "../../lambdas/mudbase/matching.ts";
import { claimsOf } from "../../lambdas/mudbase/model/identity.ts";
import { Integration } from "../../lambdas/mudbase/model/integration.ts";
import { publishing } from "../../lambdas/mudbase/publishing.ts";
import { createIntegrationRegistry } from "../../lambdas/mudbase/store/integration-registry.ts";
import { createStores } from "../../lambdas/mudbase/stores.ts";
import { createWebhooks } from "../../lambdas/mudbase/webhooks.ts";
import type { AnyApp, AnyLeanApp } from "../../lambdas/server/app.ts";
import type { PollingAnswer } from "../../lambdas/server/engine/transports/polling.ts";
import type { PendingOpen } from "../../lambdas/server/engine/transports/websocket.ts";
import { Heartbeat, LATEST_WRITE } from "../../lambdas/server/model/limits.ts";
import type { FanOutJob } from "../../lambdas/server/pipeline/deliver.ts";
import { createParts, createPublisher, type Parts } from "../../lambdas/server/pipeline/parts.ts";
import { createPolling, type PollingRequest } from "../../lambdas/server/pipeline/polling.ts";
import { createProbe } from "../../lambdas/server/pipeline/probe.ts";
import type { Publish } from "../../lambdas/server/pipeline/publish.ts";
import { createSender, sendPart } from "../../lambdas/server/pipeline/send.ts";
import { createSweep, type ShardRange, type Sweep } from "../../lambdas/server/pipeline/sweep.ts";
import { createUpgrade } from "../../lambdas/server/pipeline/upgrade.ts";
import { createServer } from "../../lambdas/server/pipeline.ts";
import type { Runtime } from "../../lambdas/server/runtime.ts";
import { createIdempotency } from "../../lambdas/server/store/idempotency.ts";
import { createTable, type KeyedItem } from "../../lambdas/server/store/table.ts";
import { startDatabase } from "../../local/database.ts";
import { readStack } from "../../local/template.ts";
import type { Cost } from "../support/performance.ts";
import { SILENT } from "../support/silent.ts";
import { type CallInput, type Command, kindOf, markRepeated, unprocessedOf } from "./commands.ts";
import { clientOf } from "./database-client.ts";
import { createRoundTrips, type Rounds } from "./round-trips.ts";

/**
 * How the function dies, or fails, at one of its calls: of the database, of the gateway, of itself.
 * `is throttled` is what is left of throttling when the SDK has given up, and what a batch leaves
 * unprocessed; `times out` fails at once and is applied later, when all else is done; `is repeated`
 * is a call whose answer was lost, so that the SDK has made it again.
 */
export const FAULTS = [
  ...(["dies before", "dies after", "fails once before", "fails once after"] as const),
  ...(["is throttled", "times out", "is repeated"] as const),
] as const;
export type Fault = (typeof FAULTS)[number];

const WEBHOOK_SECRET = "a secret of webhooks";

const SHOP = Integration.parse({
  ...{ projectId: "p1", integrationId: "shop", name: "Shop" },
  baseUrl: "https://shop.example",
  endpoints: { list: { method: "GET", path: "/" } },
  webhook: {
    ...{ scheme: "hmac-sha256", signatureHeader: "x-signature", idHeader: "x-id" },
    secretArn: "arn:aws:secretsmanager:us-east-1:000000000000:secret:webhook",
  },
});

/** The calls that some work made, and the connection its fault kept a frame from, if it was one. */
export interface Made {
  readonly calls: number;
  readonly unpostedTo?: string | undefined;
}

/** What a connection was sent: frames in their order. */
type Frames = string[];

/** The server in this process, over the embedded database, with a clock and a fault of the test's own. */
export interface World {
  /** Connects a user, whose token has these claims besides; gives the connection's id. */
  connect(userId: string, org: string, claims?: object, auth?: object): Promise<string>;
  /** A request of a client that polls. */
  request(request: Partial<PollingRequest>): Promise<PollingAnswer>;
  /** A WebSocket connection of a client that polls, which may take over; gives its id, or the status that refuses it. */
  link(sid: string): Promise<string | number>;
  /** From now on another function serves frames, which knows of no connection yet. */
  renew(): void;
  /** A frame that API Gateway receives now, or has received a while ago. */
  send(connectionId: string, frame: string, receivedAt?: number): Promise<void>;
  /** The world's time, in epoch milliseconds. */
  now(): number;
  disconnect(connectionId: string): Promise<void>;
  /** Publishes an entry. */
  readonly publish: Publish;
  /** Registers the integration shop of p1, with webhooks, and takes it away again. */
  registerShop(org: string): Promise<unknown>;
  removeShop(org: string): Promise<unknown>;
  /** Delivers a signed webhook of the integration shop in p1; gives the status. */
  deliver(id: string, body: string | Buffer, headers?: object): Promise<number>;
  /** Runs work with a fault at its call of this number. */
  withFault(call: number, fault: Fault | undefined, work: () => Promise<unknown>): Promise<Made>;
  /** Has the next call of the database that fits wait until `release`. */
  holdNext(fits: (input: CallInput) => boolean): Held;
  /** Has the workers that take care of a part of a large room wait until `release`. */
  holdWorkers(): Held;
  /** Has calls of the database that fit fail. */
  failing(fits: (input: CallInput) => boolean, work: () => Promise<unknown>): Promise<void>;
  /** Has the SDK repeat calls of the database that fit, as if the first answer were lost. */
  repeating(fits: (input: CallInput) => boolean, work: () => Promise<unknown>): Promise<void>;
  /** Cuts a connection so that nobody hears of it. */
  drop(connectionId: string): void;
  /** The heartbeat for one time, which comes at another: epoch milliseconds. */
  heartbeat(scheduledTime: number, at: number): Promise<void>;
  /** Lets so much time pass that nothing begun before can still be written, and nobody can come back, and sweeps everything. */
  sweep(): Promise<void>;
  /** Sweeps the sessions that have lost their connection, after so many milliseconds, or as much time as `sweep`. */
  sweepLost(after?: number): Promise<void>;
  /** Lets time pass. */
  pass(milliseconds: number): void;
  framesOf(connectionId: string): Frames;
  /** Whether the gateway still holds a connection. */
  isConnected(connectionId: string): boolean;
  items(): Promise<Record<string, unknown>[]>;
  /** Stores items, past everything that would bound them. */
  fill(items: readonly KeyedItem[]): Promise<void>;
  /** What some work costs; buckets of rates, which are written by the portion, are left out. */
  costOf(work: () => Promise<unknown>): Promise<Cost>;
  /** The rounds of calls of the database that some work makes, without those of rates. */
  roundTripsOf(work: () => Promise<unknown>): Promise<Rounds>;
  /** The database, for what a test must write behind the server's back. */
  readonly database: DynamoDBDocumentClient;
  readonly tableName: string;
  /** Empties the table. */
  clearTable(): Promise<void>;
  stop(): Promise<void>;
}

/** What the socket function serves. */
function socketServer(parts: Parts<AnyApp>) {
  const server = createServer(parts, createProbe);
  const { accept, open } = createUpgrade(parts, server.sender);
  return { ...server, accept, open };
}

const isOfRates = ({ Key }: CallInput): boolean => String(Key?.pk).startsWith("rate#");

/** Makes a call twice, and gives the second answer, as the SDK does where the first is lost. */
async function repeated<Result>(call: () => Promise<Result>): Promise<Result> {
  await call();
  return call().then(markRepeated, (error) => Promise.reject(markRepeated(error)));
}

/** Something to wait for. */
function signal() {
  let give = (): void => undefined;
  const given = new Promise<void>((resolve) => {
    give = resolve;
  });
  return { given, give };
}

interface Attempt<Result> {
  /** What the call gives where it is throttled, if it does not throw then. */
  readonly unprocessed?: Result | undefined;
  readonly isRepeated?: boolean;
  readonly postTo?: string;
}

/** A call that waits. */
export interface Held {
  /** Resolves once the call has come. */
  readonly reached: Promise<void>;
  release(): void;
}

/** A world with one shard, unless it is to have more. */
export async function createWorld(
  assembly: string,
  settings: Partial<Limits> = {},
  variables: NodeJS.ProcessEnv = {},
  /** In place of the contract. */
  other?: AnyApp,
): Promise<World> {
  const limits = Limits.parse({ shards: 1, ...settings });
  const { tables } = readStack(assembly);
  const database = await startDatabase({ tables });
  const real = clientOf(database);

  let clock = Date.now();
  const newId = monotonicFactory();
  const now = () => clock;
  const frames = new Map<string, Frames>();
  const acceptedAt = new Map<string, number>();
  const open = new Set<string>();
  let calls = 0;
  let faulty = 0;
  let fault: Fault | undefined;
  let isDead = false;
  let unpostedTo: string | undefined;
  let cost: Cost = { reads: 0, writes: 0, posts: 0 };
  const count = (kind: keyof Cost) => {
    cost = { ...cost, [kind]: cost[kind] + 1 };
  };

  const roundTrips = createRoundTrips();
  let workersMay: () => Promise<void> = async () => undefined;
  let gate: ((input: CallInput) => Promise<void> | undefined) | undefined;
  let isFailing: (input: CallInput) => boolean = () => false;
  let isRepeating: (input: CallInput) => boolean = () => false;

  /** What was under way when its caller stopped waiting for it. */
  const late: (() => Promise<unknown>)[] = [];

  /** Makes a call, or what the fault of this moment makes of it. */
  async function attempt<Result>(
    call: () => Promise<Result>,
    { unprocessed, isRepeated = true, postTo }: Attempt<Result> = {},
  ): Promise<Result> {
    if (isDead) throw new Error("the function is dead");
    calls += 1;
    if (calls !== faulty || fault === undefined) return call();
    isDead = fault.startsWith("dies");
    unpostedTo = postTo;
    switch (fault) {
      case "dies before":
      case "fails once before":
        throw new Error("before the call");
      case "is throttled":
        if (unprocessed !== undefined) return unprocessed;
        throw new Error("throttled");
      case "times out":
        late.push(call);
        throw new Error("no answer yet");
      case "is repeated":
        if (isRepeated) return repeated(call);
        return call().then(markRepeated, (error) => Promise.reject(markRepeated(error)));
      default:
        await call();
        throw new Error("after the call");
    }
  }

  const client = {
    async send(command: Command) {
      await gate?.(command.input);
      if (isFailing(command.input)) throw new Error("throttled");
      if (!isOfRates(command.input)) count(kindOf(command));
      const once = () => real.send(command as never);
      const sent = isRepeating(command.input) ? () => repeated(once) : once;
      const call = () => attempt(sent, { unprocessed: unprocessedOf(command) });
      if (isOfRates(command.input)) return call();
      return roundTrips.take(kindOf(command) === "reads", call);
    },
  } as unknown as DynamoDBDocumentClient;

  const gateway = {
    post: (connectionId: string, frame: string) =>
      attempt(
        async () => {
          if (!open.has(connectionId)) return "gone" as const;
          count("posts");
          roundTrips.posted();
          frames.get(connectionId)?.push(frame);
          return "sent" as const;
        },
        // A post whose answer is lost fails; nobody knows whether it arrived.
        { isRepeated: false, postTo: connectionId },
      ),
    close: (connectionId: string) =>
      attempt(async () => {
        open.delete(connectionId);
      }),
  };
  const table = createTable({
    client,
    tableName: tables[0]?.name ?? "",
    pause: async () => undefined,
  });
  const runtime: Runtime = {
    ...{ table, gateway, limits, now, telemetry: SILENT, variables },
    // The function's own second invocation, which fails by itself.
    invokeSelf: (event) =>
      attempt(() => server.open((event as { open: PendingOpen }).open).catch(() => undefined)),
    async invokeWorker(job) {
      await workersMay();
      await sendPart(worker, job as FanOutJob, now());
    },
    heartbeat: Heartbeat.parse({}),
    allowedOrigins: [],
    newId: () => newId(clock),
    pause: async () => undefined,
    remaining: () => 29_000,
  };
  const contract = contractApp(() =>
    createStores(runtime, {
      verifyToken: async (token) => claimsOf(JSON.parse(token)),
      callUpstream: async () => ({ ok: true, status: 200, data: {}, durationMs: 1 }),
    }),
  );
  const app: AnyApp = other ?? contract;
  const lean: AnyLeanApp = other ?? { ...core, matching: createMatching };
  const worker = createSender(createParts(lean, runtime));
  const parts = createParts(app, runtime);
  let server = socketServer(parts);
  const pollingParts = createParts(app, runtime);
  const polling = createPolling(pollingParts, createServer(pollingParts));
  const coreParts = createParts(other ?? core, {
    ...runtime,
    invokeSelf: (range) => sweeper.sweep(range as ShardRange),
  });
  const sweeper: Sweep = createSweep(coreParts, createSender(coreParts));

  const publisher = createPublisher(createParts(publishing, runtime));
  const registry = createIntegrationRegistry({ table, now });
  const webhooks = createWebhooks({
    registry,
    idempotency: createIdempotency({ table, now }, 86_400_000),
    publish: publisher,
    secret: () => ({ read: async () => WEBHOOK_SECRET, refresh: async () => undefined }),
    now,
  });

  const send = (connectionId: string, frame: string, receivedAt = clock) =>
    server
      .onFrame(
        {
          ...{ connectionId, receivedAt, messageId: ulid() },
          connectedAt: acceptedAt.get(connectionId) ?? clock,
        },
        frame,
      )
      // socket.ts logs what is thrown here, and API Gateway is told nothing.
      .catch(() => undefined);

  return {
    ...{ send, now },
    async connect(userId, org, more = {}, auth = {}) {
      const connectionId = ulid();
      frames.set(connectionId, []);
      open.add(connectionId);
      // A client that comes back does so later than it came.
      clock += 1;
      acceptedAt.set(connectionId, clock);
      const query = { EIO: "4", transport: "websocket" };
      await server.accept({ connectionId, connectedAt: clock, headers: {}, query });
      // Without the OPEN packet.
      frames.set(connectionId, []);
      const usual = { sub: userId, org, projects: ["p1"], scope: "api", exp: 9_999_999_999 };
      const claims = { ...usual, ...more };
      const token = JSON.stringify(claims);
      await send(connectionId, `40${JSON.stringify({ ...auth, token })}`);
      return connectionId;
    },
    async request(request) {
      clock += 1;
      const given = { method: "GET", headers: {}, query: {}, body: "", ...request };
      const { answer, rest } = await polling({ receivedAt: clock, ...given, requestId: ulid() });
      await rest;
      return answer;
    },
    async link(sid) {
      const connectionId = ulid();
      frames.set(connectionId, []);
      open.add(connectionId);
      acceptedAt.set(connectionId, clock);
      const query = { EIO: "4", transport: "websocket", sid };
      const upgrade = { connectionId, connectedAt: clock, headers: {}, query };
      const status = await server.accept(upgrade);
      return status === 200 ? connectionId : status;
    },
    renew() {
      server = socketServer(createParts(app, runtime));
    },
    async disconnect(connectionId) {
      open.delete(connectionId);
      await server.disconnect(connectionId).catch(() => undefined);
    },
    publish: publisher,
    registerShop: (org) => registry.put(org, SHOP),
    removeShop: (org) => registry.remove({ org, ...SHOP }),
    async deliver(id, body, changed = {}) {
      const signed = createHmac("sha256", WEBHOOK_SECRET).update(body).digest("hex");
      const headers = { "x-signature": signed, "x-id": id, ...changed };
      const delivery = { projectId: "p1", integrationId: "shop", headers, body: Buffer.from(body) };
      return (await webhooks(delivery)).status;
    },
    async withFault(call, how, work) {
      [calls, faulty, fault, isDead] = [0, call, how, false];
      await work();
      const made = { calls, unpostedTo };
      [faulty, fault, isDead, unpostedTo] = [0, undefined, false, undefined];
      for (const call of late.splice(0)) await call().catch(() => undefined);
      return made;
    },
    async heartbeat(scheduledTime, at) {
      clock = at;
      await sweeper.begin(scheduledTime);
    },
    holdNext(fits) {
      const { reached, released } = { reached: signal(), released: signal() };
      gate = (input) => {
        if (!fits(input)) return undefined;
        gate = undefined;
        reached.give();
        return released.given;
      };
      return { reached: reached.given, release: released.give };
    },
    holdWorkers() {
      const { reached, released } = { reached: signal(), released: signal() };
      workersMay = () => {
        reached.give();
        return released.given;
      };
      return { reached: reached.given, release: released.give };
    },
    async failing(fits, work) {
      isFailing = fits;
      await work();
      isFailing = () => false;
    },
    async repeating(fits, work) {
      isRepeating = fits;
      await work();
      isRepeating = () => false;
    },
    async sweep() {
      clock += LATEST_WRITE + 1000;
      await sweeper.sweep({ shard: 0 });
      if (limits.connectionStateRecovery === 0) return;
      clock += limits.connectionStateRecovery * 1000;
      for (let again = 0; again < 2; again += 1) {
        await sweeper.sweep({ shard: 0, isOfLost: true });
        clock += LATEST_WRITE + 1000;
      }
      await sweeper.sweep({ shard: 0 });
    },
    async sweepLost(after = LATEST_WRITE + 1000) {
      clock += after;
      await sweeper.sweep({ shard: 0, isOfLost: true });
    },
    pass(milliseconds) {
      clock += milliseconds;
    },
    drop: (connectionId) => void open.delete(connectionId),
    isConnected: (connectionId) => open.has(connectionId),
    framesOf: (connectionId) => frames.get(connectionId) ?? [],
    items: database.items,
    fill: (items) => table.writeAll(items, []),
    async costOf(work) {
      cost = { reads: 0, writes: 0, posts: 0 };
      await work();
      return cost;
    },
    roundTripsOf: roundTrips.count,
    database: real,
    tableName: tables[0]?.name ?? "",
    async clearTable() {
      const keys = (await database.items()).map(({ pk, sk }) => ({ pk: `${pk}`, sk: `${sk}` }));
      await table.writeAll([], keys);
    },
    async stop() {
      await database.stop();
    },
  };
}
