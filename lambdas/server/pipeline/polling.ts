import type { AnyApp } from "#server/app.ts";
import { corsHeaders, preflightHeaders } from "#server/engine/cors.ts";
import { type Headers, isSid, newSid, openFrame } from "#server/engine/handshake.ts";
import {
  answerPackets,
  answerRefusal,
  type PollingAnswer,
  type Refusal,
} from "#server/engine/transports/polling.ts";
import { pollingId } from "#server/model/transport.ts";
import type { createServer } from "../pipeline.ts";
import { createHandshake } from "./handshake.ts";
import type { Parts } from "./parts.ts";
import { createPoll } from "./poll.ts";
import { createReceive } from "./receive.ts";

/** A request of a client that polls. */
export interface PollingRequest {
  readonly method: string;
  readonly headers: Headers;
  readonly query: Readonly<Record<string, string | undefined>>;
  readonly body: string;
  readonly requestId: string;
  /** Epoch milliseconds at which API Gateway received it. */
  readonly receivedAt: number;
}

/** The answer to a request, and what goes on after it. */
export interface Served {
  readonly answer: PollingAnswer;
  /** Never fails. */
  readonly rest?: Promise<void>;
}

const PREFLIGHT = { statusCode: 204, body: "" };

/** Engine.IO's HTTP long-polling: a handshake, GETs that wait for packets, POSTs that bring some. */
export function createPolling(parts: Parts<AnyApp>, server: ReturnType<typeof createServer>) {
  const { adapter, runtime } = parts;
  const { isAdmitted, keep } = createHandshake(parts);
  const poll = createPoll(parts);
  const receive = createReceive(parts, server);

  return async (request: PollingRequest): Promise<Served> => {
    const { method, headers, query } = request;
    const connectionId = pollingId(query.sid ?? "");
    if (!isAdmitted({ connectionId, headers })) return { answer: answerRefusal("origin", 403) };
    if (method === "OPTIONS")
      return { answer: { ...PREFLIGHT, headers: preflightHeaders(headers) } };
    const { answer, ...served } = await serve(request, connectionId);
    return {
      answer: { ...answer, headers: { ...answer.headers, ...corsHeaders(headers) } },
      ...served,
    };
  };

  async function serve(request: PollingRequest, connectionId: string): Promise<Served> {
    const fault = faultOf(request);
    if (fault !== undefined) return { answer: answerRefusal(fault) };
    if (request.method === "POST") return receive(connectionId, request);
    const isOpening = request.query.sid === undefined;
    return { answer: isOpening ? await open(request) : await poll(connectionId, request) };
  }

  async function open({ headers, query, receivedAt }: PollingRequest): Promise<PollingAnswer> {
    const sid = newSid();
    const connectionId = pollingId(sid);
    const handshake = await keep({ connectionId, connectedAt: receivedAt, headers, query });
    await adapter.queues.open(connectionId, receivedAt, handshake);
    runtime.telemetry.count("ConnectionsOpened");
    return answerPackets([openFrame(sid, runtime.heartbeat, ["websocket"])]);
  }
}

/** What is wrong with a request, as far as that can be told without its session. */
function faultOf({ method, query }: PollingRequest): Refusal | undefined {
  const { EIO, transport, sid } = query;
  if (transport !== "polling") return "transport";
  if (EIO !== "4") return "version";
  if (sid !== undefined && !isSid(sid)) return "sid";
  return method === "GET" || (method === "POST" && sid !== undefined) ? undefined : "method";
}
