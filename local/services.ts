import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import type { Database } from "./database.ts";
import type { Functions } from "./functions.ts";
import { type LocalGateway, MESSAGE_BYTES } from "./gateway.ts";
import type { Permissions } from "./permissions.ts";
import { ACCOUNT, REGION } from "./template.ts";
import type { Trouble } from "./trouble.ts";

/** One call that a function made of an AWS service. */
export interface ServiceCall {
  /** The function that called, as its access key id tells. */
  readonly functionName: string;
  /** The call, e.g. `dynamodb:Query` or `execute-api:POST`. */
  readonly action: string;
  /** Whether it was for a connection that is not there yet, or no more. */
  readonly isGone: boolean;
  /** The partition of the table whose item it reads or writes, where it is one item by its key. */
  readonly partition?: string | undefined;
}

export interface ServicesParts {
  readonly database: Database;
  readonly functions: Functions;
  readonly gateway: LocalGateway;
  readonly stage: string;
  /** The value of a secret, if there is one of this ARN. */
  readonly secretOf: (arn: string) => string | undefined;
  /** EventBridge's `PutEvents`. */
  readonly putEvents: (input: { readonly Entries: readonly object[] }) => object;
  /** The function behind an access key id, if there is one. */
  readonly functionOf: (accessKeyId: string) => string | undefined;
  readonly onCall: (call: ServiceCall) => void;
  /** What the functions may do. */
  readonly permissions: Permissions;
  /** The id of the WebSocket API. */
  readonly apiId: string;
  /** What may go wrong with the calls of functions. */
  readonly trouble: Trouble;
}

/** AWS's HTTP endpoints as the functions' clients call them; `false` where a request is none of theirs. */
export function createServices(parts: ServicesParts) {
  const { database, functions, gateway, onCall, trouble } = parts;
  const connectionPath = new RegExp(`^/${parts.stage}/@connections/([^/?]+)$`);
  const invocationPath = /^\/2015-03-31\/functions\/([^/]+)\/invocations$/;

  return (request: IncomingMessage, response: ServerResponse): boolean => {
    const path = new URL(request.url ?? "/", "http://localhost").pathname;
    const [target = "", action = ""] = String(request.headers["x-amz-target"] ?? "").split(".");
    const connection = connectionPath.exec(path)?.[1];
    const invoked = invocationPath.exec(path)?.[1];
    const caller = parts.functionOf(accessKeyId(request));
    const note = (called: string, isGone = false, partition?: string) => {
      if (caller !== undefined) onCall({ functionName: caller, action: called, isGone, partition });
    };

    if (target.startsWith("DynamoDB")) {
      void query(action, caller, request, response, note);
    } else if (target === "secretsmanager") {
      note(`secretsmanager:${action}`);
      void reveal(caller, request, response);
    } else if (target === "AWSEvents") {
      note(`events:${action}`);
      void putEvents(caller, request, response);
    } else if (connection !== undefined) {
      if (caller === undefined) return refuse(response, 403, "ForbiddenException", "Forbidden");
      const connectionId = decodeURIComponent(connection);
      note(`execute-api:${request.method}`, gateway.info(connectionId) === undefined);
      void manage(connectionId, caller, request, response);
    } else if (invoked !== undefined) {
      note("lambda:InvokeFunction");
      void invoke(decodeURIComponent(invoked), caller, request, response);
    } else return false;
    return true;
  };

  /** Answers for a function whose role does not allow a call, and says that it has. */
  async function denies(
    caller: string | undefined,
    response: ServerResponse,
    action: string,
    resources: readonly string[],
    status = 400,
  ): Promise<boolean> {
    if (caller === undefined) return false;
    for (const resource of resources) {
      const refusal = await parts.permissions.refusal(caller, action, resource);
      if (refusal !== undefined) return refuse(response, status, "AccessDeniedException", refusal);
    }
    return false;
  }

  async function query(
    action: string,
    caller: string | undefined,
    request: IncomingMessage,
    response: ServerResponse,
    note: (called: string, isGone: boolean, partition?: string) => void,
  ) {
    const body = await readBody(request);
    note(`dynamodb:${action}`, false, partitionIn(body));
    if (await denies(caller, response, `dynamodb:${action}`, tablesIn(body))) return;
    if (caller !== undefined && trouble.strikesDatabase(response)) return;
    const { method, url, headers } = request;
    const again = Object.assign(Readable.from([body]), { method, url, headers });
    database.answer(again as unknown as IncomingMessage, response);
  }

  async function manage(
    connectionId: string,
    caller: string | undefined,
    request: IncomingMessage,
    response: ServerResponse,
  ) {
    const body = await readBody(request);
    const place = `${parts.stage}/${request.method}/@connections/${connectionId}`;
    const resource = `arn:aws:execute-api:${REGION}:${ACCOUNT}:${parts.apiId}/${place}`;
    if (await denies(caller, response, "execute-api:ManageConnections", [resource], 403))
      return true;
    const info = gateway.info(connectionId);
    if (info === undefined) return refuse(response, 410, "GoneException", "Gone");
    switch (request.method) {
      case "POST":
        if (body.length > MESSAGE_BYTES)
          return refuse(response, 413, "PayloadTooLargeException", "Message too long");
        if (trouble.strikesPost(response)) return true;
        if (!(await gateway.post(connectionId, String(body))))
          return refuse(response, 410, "GoneException", "Gone");
        return answerJson(response, 200, {});
      case "DELETE":
        gateway.close(connectionId);
        response.writeHead(204).end();
        return true;
      default:
        return answerJson(response, 200, info);
    }
  }

  async function putEvents(
    caller: string | undefined,
    request: IncomingMessage,
    response: ServerResponse,
  ) {
    const input = JSON.parse(String(await readBody(request))) as {
      readonly Entries: readonly { readonly EventBusName?: string }[];
    };
    const buses = input.Entries.map(({ EventBusName = "default" }) =>
      EventBusName.startsWith("arn:")
        ? EventBusName
        : `arn:aws:events:${REGION}:${ACCOUNT}:event-bus/${EventBusName}`,
    );
    if (await denies(caller, response, "events:PutEvents", buses)) return;
    answerJson(response, 200, parts.putEvents(input));
  }

  async function reveal(
    caller: string | undefined,
    request: IncomingMessage,
    response: ServerResponse,
  ) {
    const { SecretId } = JSON.parse(String(await readBody(request))) as {
      readonly SecretId: string;
    };
    const arn = SecretId.startsWith("arn:")
      ? SecretId
      : `arn:aws:secretsmanager:${REGION}:${ACCOUNT}:secret:${SecretId}`;
    if (await denies(caller, response, "secretsmanager:GetSecretValue", [arn])) return;
    const SecretString = parts.secretOf(SecretId);
    if (SecretString !== undefined) answerJson(response, 200, { ARN: SecretId, SecretString });
    else refuse(response, 400, "ResourceNotFoundException", `There is no secret ${SecretId}.`);
  }

  async function invoke(
    name: string,
    caller: string | undefined,
    request: IncomingMessage,
    response: ServerResponse,
  ) {
    const resource = `arn:aws:lambda:${REGION}:${ACCOUNT}:function:${name}`;
    const event = JSON.parse(String(await readBody(request))) as object;
    if (await denies(caller, response, "lambda:InvokeFunction", [resource], 403)) return;
    if (request.headers["x-amz-invocation-type"] === "Event") {
      functions.invokeAsync(name, event);
      response.writeHead(202).end();
      return;
    }
    const result = await functions.invoke(name, event);
    if (!result.ok) response.setHeader("x-amz-function-error", "Unhandled");
    answerJson(response, 200, result.ok ? result.value : failureOf(result.message));
  }
}

/** The ARNs of the tables, or of the index, that a request to DynamoDB is about. */
function tablesIn(body: Buffer): readonly string[] {
  const { TableName, IndexName, RequestItems } = JSON.parse(String(body)) as {
    readonly TableName?: string;
    readonly IndexName?: string;
    readonly RequestItems?: Readonly<Record<string, unknown>>;
  };
  const names = RequestItems === undefined ? [TableName ?? ""] : Object.keys(RequestItems);
  const index = IndexName === undefined ? "" : `/index/${IndexName}`;
  return names.map((name) => `arn:aws:dynamodb:${REGION}:${ACCOUNT}:table/${name}${index}`);
}

/** The partition key in a request to DynamoDB that names one item. */
function partitionIn(body: Buffer): string | undefined {
  const { Key, Item } = JSON.parse(String(body)) as Partial<Record<"Key" | "Item", Keyed>>;
  return (Key ?? Item)?.pk?.S;
}

interface Keyed {
  readonly pk?: { readonly S?: string };
}

/** What Lambda tells a caller whose function threw: the error's name and message, without its stack. */
function failureOf(message: string): object {
  const [first = ""] = message.split("\n");
  const [, errorType = "Error", errorMessage = first] = /^(\w+): (.*)$/.exec(first) ?? [];
  return { errorType, errorMessage };
}

/** The access key id in a signature of version 4. */
const accessKeyId = (request: IncomingMessage): string =>
  /Credential=([^/]+)\//.exec(request.headers.authorization ?? "")?.[1] ?? "";

function refuse(response: ServerResponse, status: number, type: string, message: string): true {
  response.setHeader("x-amzn-errortype", type);
  return answerJson(response, status, { message });
}

function answerJson(response: ServerResponse, status: number, body: unknown): true {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  return true;
}

/** The whole body of a request. */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  await once(request, "end");
  return Buffer.concat(chunks);
}
