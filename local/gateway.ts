import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { type WebSocket, WebSocketServer } from "ws";
import { createAwsIds, type MintId } from "./aws-ids.ts";
import { asItCame, createEdge, type HandedOn } from "./edge.ts";
import { createFrameMeter } from "./frame-meter.ts";
import type { Functions, InvocationResult } from "./functions.ts";
import { type ConnectionFacts, createGatewayEvents } from "./gateway-events.ts";
import { type ConnectAnswer, connectAnswerOf, isHandshake, refuse } from "./handshake.ts";
import { AwsError } from "./http.ts";
import type { StackDefinition } from "./template.ts";
import type { Work } from "./work.ts";

/** API Gateway's quotas, in bytes. */
const FRAME_BYTES = 32 * 1024;
export const MESSAGE_BYTES = 128 * 1024;

/** What a run may change of the gateway's behaviour, to rehearse a bad day. */
export interface GatewayOptions {
  /** Delays and reorders the frames of a connection. */
  readonly shuffle: boolean;
  /** Share of connections, from 0 to 1, whose `$disconnect` never comes. */
  readonly loseDisconnects: number;
  /** Milliseconds without traffic after which a connection is cut. */
  readonly idleTimeout: number;
  /** Milliseconds after which a connection is cut in any case. */
  readonly lifetime: number;
  /** Milliseconds after which the gateway no longer waits for a function. */
  readonly integrationTimeout: number;
}

/** The behaviour of the real gateway where it is not made worse on purpose. */
export const USUAL: GatewayOptions = {
  shuffle: false,
  loseDisconnects: 0,
  idleTimeout: 600_000,
  lifetime: 7_200_000,
  integrationTimeout: 29_000,
};

/** Milliseconds by which `--shuffle` delays a frame at most. */
const SHUFFLE_DELAY = 20;

/** What `GET @connections/<id>` tells of a connection. */
export interface ConnectionInfo {
  readonly connectedAt: string;
  readonly lastActiveAt: string;
  readonly identity: ConnectionFacts["identity"];
}

/** API Gateway's WebSocket API on this machine: sockets outside, invocations inside. */
export interface LocalGateway {
  onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** `false` where the connection is not there yet, or no more. */
  post(connectionId: string, data: string): Promise<boolean>;
  info(connectionId: string): ConnectionInfo | undefined;
  close(connectionId: string): boolean;
  /** Cuts a connection so that its `$disconnect` never comes. */
  drop(connectionId: string): void;
  connectionIds(): readonly string[];
  stop(): void;
}

interface Connection {
  readonly facts: ConnectionFacts;
  readonly socket: WebSocket;
  lastActiveAt: number;
  isLost: boolean;
}

export interface GatewayParts {
  readonly stack: StackDefinition;
  readonly functions: Functions;
  readonly work: Work;
  readonly options: GatewayOptions;
}

/** The gateway that the template describes. */
export function createLocalGateway({
  stack,
  functions,
  work,
  options,
}: GatewayParts): LocalGateway {
  const { api } = stack;
  const edge = createEdge(stack.edgeCode, stack.edgeOrigins);
  const mintId = createAwsIds();
  const events = createGatewayEvents(api, mintId);
  const connections = new Map<string, Connection>();
  const webSockets = new WebSocketServer({
    ...{ noServer: true, maxPayload: MESSAGE_BYTES },
    // The server would take the first that is offered; API Gateway takes none by itself.
    handleProtocols: () => false,
  });
  const subprotocols = new WeakMap<IncomingMessage, string>();
  webSockets.on("headers", (headers, request) => {
    const subprotocol = subprotocols.get(request);
    if (subprotocol !== undefined) headers.push(`Sec-WebSocket-Protocol: ${subprotocol}`);
  });

  async function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    if (!isHandshake(request)) return refuse(socket, 400, '{"message":"Bad Request"}');
    const handedOn = request.url?.startsWith("/socket.io") ? edge(request) : asItCame(request);
    if ("status" in handedOn) return refuse(socket, handedOn.status, handedOn.body);
    const isForApi = handedOn.apiId === undefined || handedOn.apiId === api.apiId;
    if (handedOn.path !== `/${api.stage}` || !isForApi) return refuse(socket, 403);

    const facts = factsOf(request, handedOn, mintId);
    const { status, subprotocol } = await invokeConnect(facts, handedOn);
    if (status < 200 || status > 299) return refuse(socket, status);
    if (subprotocol !== undefined) subprotocols.set(request, subprotocol);
    webSockets.handleUpgrade(request, socket, head, (webSocket) => open(facts, webSocket, socket));
  }

  async function invokeConnect(facts: ConnectionFacts, handedOn: HandedOn): Promise<ConnectAnswer> {
    const name = api.routes.get("$connect");
    if (name === undefined) return { status: 200 };
    return connectAnswerOf(await integrate(name, events.connect(facts, handedOn)));
  }

  /** Invokes a function and waits for it as long as API Gateway does. */
  async function integrate(name: string, event: object): Promise<InvocationResult> {
    const timedOut = new AbortController();
    const result = await Promise.race([
      functions.invoke(name, event),
      pause(options.integrationTimeout, undefined, { signal: timedOut.signal, ref: false }).then(
        () => ({ ok: false as const, message: "Integration timed out" }),
      ),
    ]);
    timedOut.abort();
    return result;
  }

  function open(facts: ConnectionFacts, socket: WebSocket, stream: Duplex): void {
    const connection: Connection = { facts, socket, lastActiveAt: Date.now(), isLost: false };
    connections.set(facts.connectionId, connection);

    const cut = (code: number, reason: string) => socket.close(code, reason);
    const idle = setTimeout(() => cut(1001, "Going away"), options.idleTimeout);
    const end = setTimeout(() => cut(1001, "Going away"), options.lifetime);
    const meter = createFrameMeter((bytes) => {
      idle.refresh();
      connection.lastActiveAt = Date.now();
      if (bytes > FRAME_BYTES) cut(1009, "Frame too large");
    });
    stream.on("data", meter);
    socket.on("error", () => undefined);
    socket.on("message", (data, isBinary) => {
      if (socket.readyState !== socket.OPEN) return;
      if (isBinary) cut(1003, "Binary frames are not supported");
      else void work.track(deliver(connection, String(data)));
    });
    socket.on("close", (code, reason) => {
      clearTimeout(idle);
      clearTimeout(end);
      connections.delete(facts.connectionId);
      tellOfDisconnect(connection, code, String(reason));
    });
  }

  async function deliver({ facts, socket }: Connection, body: string): Promise<void> {
    const [routeKey, name] = route(body);
    if (name === undefined) return socket.send(events.failure(facts, "Forbidden"));

    const event = events.message(facts, routeKey, body);
    if (options.shuffle) await pause(Math.random() * SHUFFLE_DELAY);
    const result = await integrate(name, event);
    if (!result.ok && socket.readyState === socket.OPEN)
      socket.send(events.failure(facts, "Internal server error"));
  }

  /** The route whose key the selection expression finds in a JSON body, else `$default`. */
  function route(body: string): readonly [string, string | undefined] {
    const field = api.routeSelection.replace("$request.body.", "");
    const routeKey = textField(body, field);
    const name = routeKey.startsWith("$") ? undefined : api.routes.get(routeKey);
    return name === undefined ? ["$default", api.routes.get("$default")] : [routeKey, name];
  }

  function tellOfDisconnect({ facts, isLost }: Connection, code: number, reason: string): void {
    const name = api.routes.get("$disconnect");
    if (name === undefined || isLost || Math.random() < options.loseDisconnects) return;
    // Best effort: nobody tries again where this fails.
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
        connection.lastActiveAt = Date.now();
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
      connection.isLost = true;
      connections.delete(connectionId);
      connection.socket.terminate();
    },

    connectionIds: () => [...connections.keys()],

    stop() {
      for (const connection of connections.values()) {
        connection.isLost = true;
        connection.socket.terminate();
      }
      webSockets.close();
    },
  };
}

const factsOf = (
  { socket }: IncomingMessage,
  { headers }: HandedOn,
  mintId: MintId,
): ConnectionFacts => ({
  connectionId: mintId("connection"),
  connectedAt: Date.now(),
  identity: {
    sourceIp: socket.remoteAddress ?? "127.0.0.1",
    userAgent: headers["User-Agent"]?.[0],
  },
});

/** What a field of a JSON body holds, as text; of an object or a list, nothing. */
function textField(body: string, field: string): string {
  try {
    const value = (JSON.parse(body) as Record<string, unknown> | null)?.[field];
    return typeof value === "object" ? "" : String(value);
  } catch {
    return "";
  }
}
