import type { IncomingMessage, ServerResponse } from "node:http";
import * as z from "zod";
import type { createBus } from "./bus.ts";
import { type Database, OPERATIONS } from "./database.ts";
import type { FaultInjector } from "./fault-injection.ts";
import type { Functions } from "./functions.ts";
import { type LocalGateway, MESSAGE_BYTES } from "./gateway.ts";
import { AwsError, answerJson, decoded, jsonIn, jsonObjectIn, readBody, urlOf } from "./http.ts";
import type { Permissions } from "./permissions.ts";
import { ACCOUNT, REGION } from "./template-values.ts";

/** One call that a function made of an AWS service. */
export interface ServiceCall {
  /** The function that called, known by its access key id. */
  readonly functionName: string;
  /** The call, e.g. `dynamodb:Query` or `execute-api:POST`. */
  readonly action: string;
  /** Whether it was for a connection that does not exist, or no longer exists. */
  readonly isGone: boolean;
  /** The partition key, if the call reads or writes one item by its key. */
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
  readonly putEvents: ReturnType<typeof createBus>;
  /** The function behind an access key id, if there is one. */
  readonly functionOf: (accessKeyId: string) => string | undefined;
  readonly onCall: (call: ServiceCall) => void;
  /** What the functions may do. */
  readonly permissions: Permissions;
  /** The id of the WebSocket API. */
  readonly apiId: string;
  /** Injects faults into the calls of functions. */
  readonly faults: FaultInjector;
}

/** Lambda's payload limits in bytes, synchronous and asynchronous. */
const PAYLOAD_BYTES = { RequestResponse: 6 * 1024 * 1024, Event: 1024 * 1024 };

/** AWS's HTTP endpoints as the functions' clients call them; `undefined` for any other request. */
export function createServices(parts: ServicesParts) {
  const { database, functions, gateway, onCall, faults } = parts;
  const connectionPath = new RegExp(`^/${parts.stage}/@connections/([^/?]+)$`);
  const invocationPath = /^\/2015-03-31\/functions\/([^/]+)\/invocations$/;

  /** Rejects with AWS's error. */
  return (request: IncomingMessage, response: ServerResponse): Promise<void> | undefined => {
    const path = urlOf(request).pathname;
    const target = request.headers["x-amz-target"];
    const connection = connectionPath.exec(path)?.[1];
    const invoked = invocationPath.exec(path)?.[1];
    const caller = parts.functionOf(accessKeyId(request));
    const call: Call = {
      ...{ caller, request, response },
      record(action, isGone = false, partition) {
        if (caller !== undefined) onCall({ functionName: caller, action, isGone, partition });
      },
    };

    if (target !== undefined) return serve(String(target), call);
    if (connection !== undefined) return manage(decoded(connection), call);
    if (invoked !== undefined) return invoke(decoded(invoked), call);
    return undefined;
  };

  /** Serves the AWS APIs that name the operation in a header, e.g. `AWSEvents.PutEvents`. */
  async function serve(target: string, call: Call): Promise<void> {
    const [service = "", operation = ""] = target.split(".");
    if (service === "DynamoDB_20120810" && OPERATIONS.has(operation)) return query(operation, call);
    if (target === "secretsmanager.GetSecretValue") return getSecretValue(call);
    if (target === "AWSEvents.PutEvents") return putEvents(call);
    throw new AwsError(400, "UnknownOperationException", `There is no operation ${target} here.`);
  }

  /** Throws if the role of the calling function does not allow the call. */
  async function authorise(
    { caller }: Call,
    action: string,
    resources: readonly string[],
    status = 400,
  ): Promise<void> {
    if (caller === undefined) return;
    for (const resource of resources) {
      const refusal = await parts.permissions.refusal(caller, action, resource);
      if (refusal !== undefined) throw new AwsError(status, "AccessDeniedException", refusal);
    }
  }

  async function query(operation: string, call: Call): Promise<void> {
    const { request, response } = call;
    const body = await readBody(request);
    const input = jsonObjectIn(body);
    call.record(`dynamodb:${operation}`, false, partitionIn(input));
    await authorise(call, `dynamodb:${operation}`, tablesIn(input));
    if (call.caller !== undefined && faults.failsDatabaseCall(response)) return;
    await database.answer(request, response, body);
  }

  async function manage(connectionId: string, call: Call): Promise<void> {
    const { request, response } = call;
    const method = String(request.method);
    if (call.caller === undefined) throw new AwsError(403, "ForbiddenException", "Forbidden");
    call.record(`execute-api:${method}`, gateway.info(connectionId) === undefined);
    const body = await readBody(request);
    const path = `${parts.stage}/${method}/@connections/${connectionId}`;
    const resource = `arn:aws:execute-api:${REGION}:${ACCOUNT}:${parts.apiId}/${path}`;
    await authorise(call, "execute-api:ManageConnections", [resource], 403);
    const info = gateway.info(connectionId);
    if (info === undefined) throw gone();
    switch (method) {
      case "POST":
        if (body.length > MESSAGE_BYTES)
          throw new AwsError(413, "PayloadTooLargeException", "Message too long");
        if (faults.failsPost(response)) return;
        if (!(await gateway.post(connectionId, String(body)))) throw gone();
        return answerJson(response, 200, {});
      case "DELETE":
        gateway.close(connectionId);
        return void response.writeHead(204).end();
      case "GET":
        return answerJson(response, 200, info);
      default:
        throw new AwsError(
          403,
          "MissingAuthenticationTokenException",
          "Missing Authentication Token",
        );
    }
  }

  async function putEvents(call: Call): Promise<void> {
    call.record("events:PutEvents");
    const input = inputOf(PutEvents, await readBody(call.request));
    const buses = input.Entries.map(({ EventBusName }) =>
      EventBusName.startsWith("arn:")
        ? EventBusName
        : `arn:aws:events:${REGION}:${ACCOUNT}:event-bus/${EventBusName}`,
    );
    await authorise(call, "events:PutEvents", buses);
    answerJson(call.response, 200, parts.putEvents(input));
  }

  async function getSecretValue(call: Call): Promise<void> {
    call.record("secretsmanager:GetSecretValue");
    const { SecretId } = inputOf(GetSecretValue, await readBody(call.request));
    const arn = SecretId.startsWith("arn:")
      ? SecretId
      : `arn:aws:secretsmanager:${REGION}:${ACCOUNT}:secret:${SecretId}`;
    await authorise(call, "secretsmanager:GetSecretValue", [arn]);
    const SecretString = parts.secretOf(SecretId);
    if (SecretString === undefined)
      throw new AwsError(400, "ResourceNotFoundException", `There is no secret ${SecretId}.`);
    answerJson(call.response, 200, { ARN: SecretId, SecretString });
  }

  async function invoke(name: string, call: Call): Promise<void> {
    const { request, response } = call;
    const resource = `arn:aws:lambda:${REGION}:${ACCOUNT}:function:${name}`;
    call.record("lambda:InvokeFunction");
    if (request.method !== "POST")
      throw new AwsError(405, "MethodNotAllowedException", "Invocations are posted.");
    const type = String(request.headers["x-amz-invocation-type"] ?? "RequestResponse");
    if (type !== "Event" && type !== "RequestResponse")
      throw new AwsError(400, "InvalidParameterValueException", `There is no type ${type} here.`);
    const body = await readBody(request, PAYLOAD_BYTES[type]);
    const event = body.length === 0 ? {} : jsonIn(body, "InvalidRequestContentException");
    await authorise(call, "lambda:InvokeFunction", [resource], 403);
    if (!functions.names.includes(name))
      throw new AwsError(404, "ResourceNotFoundException", `Function not found: ${resource}`);
    if (type === "Event") {
      functions.invokeAsync(name, event as object);
      return void response.writeHead(202).end();
    }
    const result = await functions.invoke(name, event as object);
    if (!result.ok && result.fault === "throttled")
      throw new AwsError(429, "TooManyRequestsException", "Rate Exceeded.");
    if (!result.ok) response.setHeader("x-amz-function-error", "Unhandled");
    answerJson(response, 200, result.ok ? result.value : failureOf(result.message));
  }
}

/** One request to an AWS service. */
interface Call {
  /** The function that calls; `undefined` if the caller is no function of the stack. */
  readonly caller: string | undefined;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  record(action: string, isGone?: boolean, partition?: string): void;
}

const gone = () => new AwsError(410, "GoneException", "Gone");

const GetSecretValue = z.object({ SecretId: z.string() });

/** EventBridge accepts at most ten entries per call. */
const PutEvents = z.object({
  Entries: z
    .array(
      z.object({
        EventBusName: z.string().default("default"),
        Source: z.optional(z.string()),
        DetailType: z.optional(z.string()),
        Detail: z.optional(z.string()),
      }),
    )
    .min(1)
    .max(10),
});

/** The input of an operation; throws AWS's validation error if the body is not valid. */
function inputOf<Schema extends z.ZodType>(schema: Schema, body: Buffer): z.infer<Schema> {
  const { data, error } = schema.safeParse(jsonObjectIn(body));
  if (error !== undefined) throw new AwsError(400, "ValidationException", z.prettifyError(error));
  return data;
}

/** The ARNs of the tables, or of the index, that a request to DynamoDB names. */
function tablesIn(input: object): readonly string[] {
  const { TableName, IndexName, RequestItems } = input as {
    readonly TableName?: string;
    readonly IndexName?: string;
    readonly RequestItems?: Readonly<Record<string, unknown>> | null;
  };
  const names = RequestItems ? Object.keys(RequestItems) : [TableName ?? ""];
  const index = IndexName === undefined ? "" : `/index/${IndexName}`;
  return names.map((name) => `arn:aws:dynamodb:${REGION}:${ACCOUNT}:table/${name}${index}`);
}

/** The partition key in a request to DynamoDB that names one item. */
function partitionIn(input: object): string | undefined {
  const { Key, Item } = input as Partial<Record<"Key" | "Item", Keyed | null>>;
  return (Key ?? Item)?.pk?.S;
}

interface Keyed {
  readonly pk?: { readonly S?: string } | null;
}

/** Lambda's payload for a function that threw: the error's name and message, without its stack. */
function failureOf(message: string): object {
  const [first = ""] = message.split("\n");
  const [, errorType = "Error", errorMessage = first] = /^(\w+): (.*)$/.exec(first) ?? [];
  return { errorType, errorMessage };
}

/** The access key id in a signature of version 4. */
const accessKeyId = (request: IncomingMessage): string =>
  /Credential=([^/]+)\//.exec(request.headers.authorization ?? "")?.[1] ?? "";
