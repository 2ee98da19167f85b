import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import * as z from "zod";
import type { InvocationResult } from "./functions.ts";

/** The response of `$connect` to an upgrade. */
export interface ConnectAnswer {
  readonly status: number;
  /** The `Sec-WebSocket-Protocol` that the function has selected. */
  readonly subprotocol?: string | undefined;
}

const Returned = z.object({
  statusCode: z.int().min(200).max(599),
  headers: z.nullish(z.record(z.string(), z.unknown())),
});

const TOKEN = z.string().regex(/^[\w!#$%&'*+.^`|~-]+$/);

/** Reads the result of the function behind `$connect`, as API Gateway does. */
export function connectAnswerOf(result: InvocationResult): ConnectAnswer {
  if (!result.ok && result.fault === "throttled") return { status: 429 };
  const { data } = Returned.safeParse(result.ok ? result.value : undefined);
  if (data === undefined) return { status: 500 };
  const [, value] =
    Object.entries(data.headers ?? {}).find(
      ([name]) => name.toLowerCase() === "sec-websocket-protocol",
    ) ?? [];
  return { status: data.statusCode, subprotocol: TOKEN.safeParse(value).data };
}

/** Whether an upgrade is the handshake of a WebSocket (RFC 6455, 4.2.1). */
export const isHandshake = ({ method, headers }: IncomingMessage): boolean =>
  method === "GET" &&
  headers.upgrade?.toLowerCase() === "websocket" &&
  /^[+/0-9A-Za-z]{22}==$/.test(headers["sec-websocket-key"] ?? "") &&
  headers["sec-websocket-version"] === "13";

const STATUS_TEXT: Readonly<Record<number, string>> = {
  400: "Bad Request",
  403: "Forbidden",
  404: "Not Found",
  500: "Internal Server Error",
};

/** Refuses an upgrade with an HTTP response. */
export function refuse(socket: Duplex, status: number, body = '{"message":"Forbidden"}'): void {
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_TEXT[status] ?? "Refused"}`,
      "Content-Type: application/json",
      `Content-Length: ${Buffer.byteLength(body)}`,
      "Connection: close",
      "",
      body,
    ].join("\r\n"),
  );
}
