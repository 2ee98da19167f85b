import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { type WebSocket, WebSocketServer } from "ws";
import { createAwsIds, type MintId } from "./aws-ids.ts";
import type { CutKind, Cuts } from "./cuts.ts";
import { createEdge, directRequestOf, type OriginRequest } from "./edge.ts";
import { createFrameMeter, frameBytes } from "./frame-meter.ts";
import type { Functions, InvocationResult } from "./functions.ts";
import { type ConnectionFacts, createGatewayEvents } from "./gateway-events.ts";
import { type ConnectAnswer, connectAnswerOf, isHandshake, refuse } from "./handshake.ts";
import { AwsError } from "./http.ts";
import { integrated } from "./integration.ts";
import type { Random } from "./random.ts";
import type { StackDefinition } from "./template.ts";
import { increments, type Meter } from "./usage.ts";
import type { Work } from "./work.ts";

/** API Gateway's quotas, in bytes. */
const FRAME_BYTES = 32 * 1024;
export const MESSAGE_BYTES = 128 * 1024;

/** Behaviour of the gateway that a run may change, e.g. for fault injection. */
export interface GatewayOptions {
  /** Delays and reorders the frames of a connection. */
  readonly shuffle: boolean;
  /** Share of connections, from 0 to 1, whose `$disconnect` is lost (default: 0, and a third of those that are cut). */
  readonly loseDisconnects: number | undefined;
  /** Milliseconds after which a connection, or a request that polls, is cut, on average (default: it is not). */
  readonly cutEvery: number | undefined;
  /** Milliseconds without traffic after which a connection is closed. */
  readonly idleTimeout: number;
  /** Milliseconds after which a connection is closed in any case. */
  readonly lifetime: number;
  /** Milliseconds that the gateway waits for a function. */
  readonly integrationTimeout: number;
}

/** The behaviour of the real gateway, without injected faults. */
export const DEFAULT_OPTIONS: GatewayOptions = {
  shuffle: false,
  loseDisconnects: undefined,
  cutEvery: undefined,
  idleTimeout: 600_000,
  lifetime: 7_200_000,
  integrationTimeout: 29_000,
};

/** Maximum delay of a frame by `--shuffle`, in milliseconds. */
const SHUFFLE_DELAY = 20;

/** The answer to `GET @connections/<id>`. */
export interface ConnectionInfo {
  readonly connectedAt: string;
  readonly lastActiveAt: string;
  readonly identity: ConnectionFacts["identity"];
}

/** API Gateway's WebSocket API on this machine: clients connect to it, and it invokes functions. */
export interface LocalGateway {
  onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Resolves with `false` if the connection does not exist, or no longer exists. */
  post(connectionId: string, data: string): Promise<boolean>;
  info(connectionId: string): ConnectionInfo | undefined;
  close(connectionId: string): boolean;
  /** Terminates a connection without a `$disconnect`. */
  drop(connectionId: string): void;
  connectionIds(): readonly string[];
  /** Draws anew when each open connection is cut. */
  planCuts(): void;
  /** Counts the minutes of open connections that are not counted yet. */
  countMinutes(): void;
  /** Resolves once all clients have had the time to answer what they were sent. */
  answered(): Promise<void>;
  stop(): void;
}

interface Connection {
  readonly facts: ConnectionFacts;
  readonly socket: WebSocket;
  readonly isByEdge: boolean;
  lastActiveAt: number;
  /** Until when its minutes are counted. */
  countedUntil: number;
  /** The probability, from 0 to 1, that its `$disconnect` is lost. */
  lossRisk: number;
  cutTimer?: NodeJS.Timeout | undefined;
}

export interface GatewayParts {
  readonly stack: StackDefinition;
  readonly functions: Functions;
  readonly work: Work;
  readonly options: GatewayOptions;
  readonly cuts: Cuts;
  readonly random: Random;
  readonly now: () => number;
  readonly count: Meter["count"];
}

/** The gateway that the template describes. */
export function createLocalGateway({
  stack,
  functions,
  work,
  options,
  cuts,
  random,
  now,
  count,
}: GatewayParts): LocalGateway {
  const { api } = stack;
  const edge = createEdge(stack.edge.code, stack.edge.origins);
  const mintId = createAwsIds(now);
  const events = createGatewayEvents(api, mintId, now);
  const connections = new Map<string, Connection>();
  const webSockets = new WebSocketServer({
    ...{ noServer: true, maxPayload: MESSAGE_BYTES },
    // ws selects the first subprotocol offered by default; API Gateway selects none by itself.
    handleProtocols: () => false,
  });
  const subprotocols = new WeakMap<IncomingMessage, string>();
  webSockets.on("headers", (headers, request) => {
    const subprotocol = subprotocols.get(request);
    if (subprotocol !== undefined) headers.push(`Sec-WebSocket-Protocol: ${subprotocol}`);
  });

  async function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    if (!isHandshake(request)) return refuse(socket, 400, '{"message":"Bad Request"}');
    const isByEdge = request.url?.startsWith("/socket.io") === true;
    if (isByEdge) count({ edgeRequests: 1 });
    const originRequest = isByEdge ? edge(request) : directRequestOf(request);
    if ("status" in originRequest) return refuse(socket, originRequest.status, originRequest.body);
    const isForApi = originRequest.apiId === undefined || originRequest.apiId === api.apiId;
    if (originRequest.path !== `/${api.stage}` || !isForApi) return refuse(socket, 403);

    const facts = factsOf(request, originRequest, mintId, now());
    const { status, subprotocol } = await invokeConnect(facts, originRequest);
    if (status < 200 || status > 299) return refuse(socket, status);
    if (subprotocol !== undefined) subprotocols.set(request, subprotocol);
    webSockets.handleUpgrade(request, socket, head, (webSocket) =>
      open(facts, webSocket, socket, isByEdge),
    );
  }

  async function invokeConnect(
    facts: ConnectionFacts,
    originRequest: OriginRequest,
  ): Promise<ConnectAnswer> {
    const name = api.routes.get("$connect");
    if (name === undefined) return { status: 200 };
    return connectAnswerOf(await integrate(name, events.connect(facts, originRequest)));
  }

  /** Invokes a function with API Gateway's integration timeout. */
  const integrate = (name: string, event: object): Promise<InvocationResult> =>
    integrated(functions.invoke(name, event), options.integrationTimeout);

  function open(
    facts: ConnectionFacts,
    socket: WebSocket,
    stream: Duplex,
    isByEdge: boolean,
  ): void {
    const lossRisk = options.loseDisconnects ?? 0;
    const connection: Connection = {
      ...{ facts, socket, isByEdge, lossRisk },
      ...{ lastActiveAt: now(), countedUntil: now() },
    };
    connections.set(facts.connectionId, connection);

    const close = (code: number, reason: string) => socket.close(code, reason);
    const idle = setTimeout(() => close(1001, "Going away"), options.idleTimeout);
    const end = setTimeout(() => close(1001, "Going away"), options.lifetime);
    planCut(connection);
    const meter = createFrameMeter((bytes) => {
      idle.refresh();
      connection.lastActiveAt = now();
      if (isByEdge) count({ edgeBytesIn: frameBytes(bytes) });
      if (bytes > FRAME_BYTES) close(1009, "Frame too large");
    });
    stream.on("data", meter);
    socket.on("error", () => undefined);
    socket.on("message", (data, isBinary) => {
      if (socket.readyState !== socket.OPEN) return;
      if (isBinary) close(1003, "Binary frames are not supported");
      else void work.track(deliver(connection, String(data)));
    });
    socket.on("close", (code, reason) => {
      clearTimeout(idle);
      clearTimeout(end);
      clearTimeout(connection.cutTimer);
      countMinutes(connection);
      connections.delete(facts.connectionId);
      invokeDisconnect(connection, code, String(reason));
    });
  }

  function countMinutes(connection: Connection): void {
    const time = now();
    count({ connectionMinutes: (time - connection.countedUntil) / 60_000 });
    connection.countedUntil = time;
  }

  /** A message in or out; API Gateway bills those of more than a frame as several. */
  const countMessage = (text: string): void =>
    count({ messages: increments(Buffer.byteLength(text), FRAME_BYTES) });

  function planCut(connection: Connection): void {
    clearTimeout(connection.cutTimer);
    const drawn = cuts.draw();
    // Its lifetime ends before, and a timer of more than 24 days would fire at once.
    if (drawn !== undefined && drawn.age < options.lifetime)
      connection.cutTimer = setTimeout(() => cut(connection, drawn.kind), drawn.age);
  }

  function cut(connection: Connection, kind: CutKind): void {
    connection.lossRisk = kind === "unnoticed" ? 1 : 0;
    if (kind === "closing") connection.socket.close(1001, "Going away");
    else connection.socket.terminate();
  }

  async function deliver({ facts, socket }: Connection, body: string): Promise<void> {
    countMessage(body);
    const [routeKey, name] = route(body);
    if (name === undefined) return socket.send(events.failure(facts, "Forbidden"));

    const event = events.message(facts, routeKey, body);
    if (options.shuffle) await pause(random() * SHUFFLE_DELAY);
    const result = await integrate(name, event);
    if (!result.ok && socket.readyState === socket.OPEN)
      socket.send(
        events.failure(
          facts,
          result.fault === "throttled" ? "Too Many Requests" : "Internal server error",
        ),
      );
  }

  /** The route whose key the selection expression finds in a JSON body, else `$default`. */
  function route(body: string): readonly [string, string | undefined] {
    const field = api.routeSelection.replace("$request.body.", "");
    const routeKey = textField(body, field);
    const name = routeKey.startsWith("$") ? undefined : api.routes.get(routeKey);
    return name === undefined ? ["$default", api.routes.get("$default")] : [routeKey, name];
  }

  function invokeDisconnect({ facts, lossRisk }: Connection, code: number, reason: string): void {
    const name = api.routes.get("$disconnect");
    if (name === undefined || random() < lossRisk) return;
    // Best effort, as in API Gateway: a failure is not retried.
    void functions.invoke(name, events.disconnect(facts, code, reason));
  }

  const find = (connectionId: string): Connection | undefined => {
    const connection = connections.get(connectionId);
    return connection?.socket.readyState === connection?.socket.OPEN ? connection : undefined;
  };

  return {
    onUpgrade(request, socket, head) {
      socket.on("error", () => undefined);
      upgrade(request, socket, head).catch((error: unknown) =>
        refuse(socket, error instanceof AwsError ? error.status : 500),
      );
    },

    post: (connectionId, data) =>
      new Promise((resolve) => {
        const connection = find(connectionId);
        if (connection === undefined) return resolve(false);
        connection.lastActiveAt = now();
        countMessage(data);
        if (connection.isByEdge) count({ edgeBytesOut: frameBytes(Buffer.byteLength(data)) });
        connection.socket.send(data, (error) => resolve(error === undefined || error === null));
      }),

    info(connectionId) {
      const connection = find(connectionId);
      return (
        connection && {
          connectedAt: new Date(connection.facts.connectedAt).toISOString(),
          lastActiveAt: new Date(connection.lastActiveAt).toISOString(),
          identity: connection.facts.identity,
        }
      );
    },

    close(connectionId) {
      const connection = find(connectionId);
      connection?.socket.close(1000, "Connection closed");
      return connection !== undefined;
    },

    drop(connectionId) {
      const connection = connections.get(connectionId);
      if (connection === undefined) return;
      connections.delete(connectionId);
      cut(connection, "unnoticed");
    },

    connectionIds: () => [...connections.keys()],

    planCuts: () => connections.forEach(planCut),
    countMinutes: () => connections.forEach(countMinutes),
    async answered() {
      // A client's WebSocket answers the first at once, the second after what the client itself sends.
      for (let round = 0; round < 2; round += 1)
        await Promise.all([...connections.values()].map(({ socket }) => roundTrip(socket)));
    },

    stop() {
      for (const connection of connections.values()) cut(connection, "unnoticed");
      webSockets.close();
    },
  };
}

/** Resolves once a WebSocket has answered a ping frame, or has closed. */
async function roundTrip(socket: WebSocket): Promise<void> {
  if (socket.readyState !== socket.OPEN) return;
  const waiting = new AbortController();
  const { signal } = waiting;
  const ended = Promise.race([once(socket, "pong", { signal }), once(socket, "close", { signal })]);
  socket.ping();
  await ended;
  waiting.abort();
}

const factsOf = (
  { socket }: IncomingMessage,
  { headers }: OriginRequest,
  mintId: MintId,
  connectedAt: number,
): ConnectionFacts => ({
  connectionId: mintId("connection"),
  connectedAt,
  identity: {
    sourceIp: socket.remoteAddress ?? "127.0.0.1",
    userAgent: headers["User-Agent"]?.[0],
  },
});

/** The value of a field of a JSON body as text; empty for an object or a list. */
function textField(body: string, field: string): string {
  try {
    const value = (JSON.parse(body) as Record<string, unknown> | null)?.[field];
    return typeof value === "object" ? "" : String(value);
  } catch {
    return "";
  }
}
