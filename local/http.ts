import type { IncomingMessage, ServerResponse } from "node:http";

/** What AWS answers a request that it does not serve. */
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

/** The largest body that any service takes; DynamoDB's. */
const BODY_BYTES = 16 * 1024 * 1024;

/** The URL that a request names, by its path; throws where it is none. */
export function urlOf({ url = "/" }: IncomingMessage): URL {
  try {
    // What begins with two slashes is still a path.
    return new URL(url.startsWith("/") ? `http://localhost${url}` : url);
  } catch {
    throw badRequest();
  }
}

/** What percent-encoded text of a path stands for; throws where it is malformed. */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw badRequest();
  }
}

const badRequest = () => new AwsError(400, "BadRequestException", "Bad Request");

/** The whole body of a request; throws where it breaks off or is too large. */
export async function readBody(request: IncomingMessage, most = BODY_BYTES): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  // A request that is destroyed could not be answered any more.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > most)
      throw new AwsError(413, "RequestTooLargeException", "Request Entity Too Large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The JSON in a body; throws an error of this name where it is none. */
export function jsonIn(body: Buffer, type: string): unknown {
  try {
    return JSON.parse(String(body));
  } catch {
    throw new AwsError(400, type, "Could not parse request body into json");
  }
}

/** The object that a service's own protocol has as a body. */
export function jsonObjectIn(body: Buffer): object {
  const parsed = jsonIn(body, "SerializationException");
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed))
    throw new AwsError(400, "SerializationException", "The body is no object");
  return parsed;
}

/** Answers with what was thrown, or with nothing where an answer has begun; gives what AWS would not have thrown. */
export function answerError(response: ServerResponse, thrown: unknown): unknown {
  if (response.headersSent) response.destroy();
  else {
    const { status, type, message } = thrown instanceof AwsError ? thrown : INTERNAL;
    response.setHeader("x-amzn-errortype", type);
    // What is left of a request that was not read to its end is not read as the next one.
    if (!response.req.complete) response.setHeader("connection", "close");
    answerJson(response, status, { __type: type, message });
  }
  const isExpected = thrown instanceof AwsError || response.req.destroyed;
  return isExpected ? undefined : thrown;
}

/** Answers with JSON. */
export function answerJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
