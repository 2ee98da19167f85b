import { hash } from "node:crypto";
import {
  type ApiGatewayManagementApiClient,
  ForbiddenException,
  GoneException,
  LimitExceededException,
  PayloadTooLargeException,
  PostToConnectionCommand,
  type PostToConnectionCommandInput,
  type PostToConnectionCommandOutput,
} from "@aws-sdk/client-apigatewaymanagementapi";
import QuickLRU from "quick-lru";
import type { Dispatcher, Pool } from "undici";
import { createSigner, encodeSegment } from "./signature.ts";
import { MAX_ANSWER, MAX_CONNECT } from "./time-outs.ts";

/** Posts under way at the same time, a kept-alive connection each. */
const POSTS_AT_ONCE = 50;

/** What the SDK says a frame is. */
const CONTENT_TYPE = "application/octet-stream";

/** Packets whose bytes and hash are kept, so that a broadcast computes them once. */
const REMEMBERED_PACKETS = 20;

type Config = ApiGatewayManagementApiClient["config"];
type Handler = ReturnType<PostToConnectionCommand["resolveMiddleware"]>;

/**
 * `PostToConnectionCommand` for any `ApiGatewayManagementApiClient` with an endpoint of its own, sent
 * without the SDK's middleware, which is what most of a post's processor time goes into: one signed
 * request on a kept-alive connection. Throws the SDK's exceptions; is not retried.
 */
export class LeanPostCommand extends PostToConnectionCommand {
  override resolveMiddleware(
    ...[, config]: Parameters<PostToConnectionCommand["resolveMiddleware"]>
  ): Handler {
    const post = pathOf(config);
    return async ({ input }) => ({ response: undefined, output: await post(input) });
  }
}

type Post = (input: PostToConnectionCommandInput) => Promise<PostToConnectionCommandOutput>;

/** The way to each client's endpoint, made when it is first taken. */
const paths = new WeakMap<object, Post>();

function pathOf(config: Config): Post {
  const known = paths.get(config);
  if (known !== undefined) return known;
  const made = createPath(config);
  paths.set(config, made);
  return made;
}

function createPath(config: Config): Post {
  const ready = prepare(config);
  const packets = new QuickLRU<string, Packet>({ maxSize: REMEMBERED_PACKETS });

  function packetOf(frame: string): Packet {
    const known = packets.get(frame);
    if (known !== undefined) return known;
    const body = Buffer.from(frame);
    const packet = { body, payloadHash: hash("sha256", body, "hex") };
    packets.set(frame, packet);
    return packet;
  }

  return async ({ ConnectionId = "", Data = "" }) => {
    const { pool, host, stage, sign } = await ready;
    const { body, payloadHash } = packetOf(String(Data));
    const path = `${stage}/@connections/${encodeSegment(ConnectionId)}`;
    const signable = { method: "POST", contentType: CONTENT_TYPE, host, path, payloadHash };
    const signature = sign(signable, await config.credentials(), Date.now());
    const headers = ["host", host, "content-type", CONTENT_TYPE, ...signature];
    const { status, text } = await request(pool, { method: "POST", path, headers, body });
    if (status !== 200) throw exceptionOf(status, text);
    return { $metadata: { httpStatusCode: status, attempts: 1 } };
  };
}

interface Packet {
  readonly body: Buffer;
  readonly payloadHash: string;
}

let loading: Promise<typeof Pool> | undefined;

/** Loads undici's pool, once: the first post does, or what knows that there will be one. */
export function loadPool(): Promise<typeof Pool> {
  loading ??= import("undici/lib/dispatcher/pool.js").then((module) => module.default);
  return loading;
}

async function prepare(config: Config) {
  const [Pool, endpoint] = await Promise.all([loadPool(), config.endpoint?.()]);
  if (endpoint === undefined) throw new Error("The management client needs an endpoint.");
  const { protocol, hostname, port, path } = endpoint;
  const host = port === undefined ? hostname : `${hostname}:${port}`;
  const pool = new Pool(`${protocol}//${host}`, {
    connections: POSTS_AT_ONCE,
    connectTimeout: MAX_CONNECT,
    headersTimeout: MAX_ANSWER,
    bodyTimeout: MAX_ANSWER,
  });
  const sign = createSigner("execute-api", await config.region());
  return { pool, host, stage: path.replace(/\/$/, ""), sign };
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** The dispatcher's own handler: its promises and streams would cost more than the request. */
const request = (pool: Pool, options: Dispatcher.DispatchOptions): Promise<Answer> =>
  new Promise((resolve, reject) => {
    let status = 0;
    let text = "";
    pool.dispatch(options, {
      onRequestStart: () => undefined,
      onResponseStart(_, statusCode) {
        status = statusCode;
      },
      onResponseData(_, chunk) {
        text += chunk.toString();
      },
      onResponseEnd: () => resolve({ status, text }),
      onResponseError: (_, error) => reject(error),
    });
  });

const EXCEPTIONS: ReadonlyMap<number, ExceptionClass> = new Map<number, ExceptionClass>([
  [403, ForbiddenException],
  [410, GoneException],
  [413, PayloadTooLargeException],
  [429, LimitExceededException],
]);

type ExceptionClass = new (options: {
  readonly message: string;
  readonly $metadata: { readonly httpStatusCode: number };
}) => Error;

function exceptionOf(status: number, text: string): Error {
  const message = `the management API answered ${status}: ${text.slice(0, 200)}`;
  const $metadata = { httpStatusCode: status };
  const Exception = EXCEPTIONS.get(status);
  return Exception === undefined
    ? Object.assign(new Error(message), { $metadata })
    : new Exception({ message, $metadata });
}
