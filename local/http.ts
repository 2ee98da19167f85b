import type { IncomingMessage, ServerResponse } from "node:http";

/** An error response of AWS. */
export class AwsError extends Error {
  readonly status: number;
  /** The name of the error, e.g. `ResourceNotFoundException`. */
  readonly type: string;

  constructor(status: number, type: string, message: string) {
    super(message);
    this.status = status;
    this.type = type;
  }
}

const INTERNAL = new AwsError(500, "InternalServerError", "Internal Server Error");

/** The largest body that any service accepts, which is DynamoDB's. */
const BODY_BYTES = 16 * 1024 * 1024;

/** The URL of a request; throws if it is not valid. */
export function urlOf({ url = "/" }: IncomingMessage): URL {
  try {
    // A path may begin with two slashes, which URL would read as a host.
    return new URL(url.startsWith("/") ? `http://localhost${url}` : url);
  } catch {
    throw badRequest();
  }
}

/** Decodes percent-encoded text of a path; throws if it is malformed. */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw badRequest();
  }
}

const badRequest = () => new AwsError(400, "BadRequestException", "Bad Request");

/** The whole body of a request; throws if it is aborted or too large. */
export async function readBody(request: IncomingMessage, maxBytes = BODY_BYTES): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  // A destroyed request could no longer be answered.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes)
      throw new AwsError(413, "RequestTooLargeException", "Request Entity Too Large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The JSON in a body; throws an error of this type if it is not valid. */
export function jsonIn(body: Buffer, type: string): unknown {
  try {
    return JSON.parse(String(body));
  } catch {
    throw new AwsError(400, type, "Could not parse request body into json");
  }
}

/** The JSON object in a body; throws AWS's serialization error if it is none. */
export function jsonObjectIn(body: Buffer): object {
  const parsed = jsonIn(body, "SerializationException");
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed))
    throw new AwsError(400, "SerializationException", "The body is not an object");
  return parsed;
}

/** Responds with an error, unless a response has begun; returns the error if it is not one of AWS. */
export function answerError(response: ServerResponse, thrown: unknown): unknown {
  if (response.headersSent) response.destroy();
  else {
    const { status, type, message } = thrown instanceof AwsError ? thrown : INTERNAL;
    response.setHeader("x-amzn-errortype", type);
    // The unread rest of a body must not be read as the next request.
    if (!response.req.complete) response.setHeader("connection", "close");
    answerJson(response, status, { __type: type, message });
  }
  const isExpected = thrown instanceof AwsError || response.req.destroyed;
  return isExpected ? undefined : thrown;
}

/** Responds with JSON. */
export function answerJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
