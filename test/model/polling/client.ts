import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { createQueues } from "../../../lambdas/server/store/queues.ts";
import { createTable } from "../../../lambdas/server/store/table.ts";
import type { Answer, Call, Key } from "../ledger/table.ts";
import type { Ask, Result } from "./explore.ts";
import { PARTS, type Part } from "./parts.ts";

export interface Options {
  /** Conditions that are left out, to see what they are for. */
  readonly without?: readonly Part[];
  readonly maxPackets?: number;
  readonly maxBytes?: number;
  /** Packets that one GET is answered with. */
  readonly maxSent?: number;
}

/** What the stores send, as far as it is read here. */
interface Input {
  readonly Key?: Key;
  readonly RequestItems?: Readonly<Record<string, { readonly Keys?: readonly Key[] }>>;
  readonly UpdateExpression?: string;
  readonly ConditionExpression?: string;
  readonly ExpressionAttributeNames?: Readonly<Record<string, string>>;
  readonly ExpressionAttributeValues?: Readonly<Record<string, unknown>>;
  readonly ReturnValues?: Call["returns"];
}

const MAX_PACKETS = 256;
const MAX_BYTES = 163_840;

/** The queues themselves, each of whose calls of the table is a step. */
export function queuesOver(ask: Ask, now: () => number, options: Options) {
  const client = {
    send: (command: { readonly input: Input }) => send(ask, command.input, options),
  };
  const table = createTable({
    client: client as unknown as DynamoDBDocumentClient,
    tableName: "items",
    pause: async () => undefined,
  });
  return createQueues({ table, now }, 1, options.maxSent);
}

async function send(ask: Ask, input: Input, options: Options): Promise<object> {
  if (input.UpdateExpression === undefined) return get(ask, input);
  const call = callOf(input, options);
  const result = await ask({ label: labelOf(input), call });
  const { ok, attributes, isAgain } = result as Answer & { readonly isAgain?: boolean };
  const $metadata = { attempts: isAgain ? 2 : 1 };
  if (!ok) throw new ConditionalCheckFailedException({ $metadata, message: "refused" });
  return { $metadata, Attributes: attributes };
}

async function get(ask: Ask, { Key, RequestItems = {} }: Input): Promise<object> {
  const [request] = Object.values(RequestItems);
  const [key = Key] = request?.Keys ?? [];
  const result: Result = await ask({
    label: "looks",
    call: { action: "get", ...(key && { key }) },
  });
  const { attributes } = result as Answer;
  if (request === undefined) return { Item: attributes };
  return { Responses: { items: attributes === undefined ? [] : [attributes] } };
}

const labelOf = ({ UpdateExpression = "", ExpressionAttributeValues = {} }: Input): string => {
  const named = [":packets", ":key", ":link", ":last"].map(
    (name) => ExpressionAttributeValues[name],
  );
  return `${UpdateExpression.slice(0, 60)} (${named.filter(Boolean).join(" ")})`;
};

/** The call, without what is left out, and with smaller bounds. */
function callOf(input: Input, { without = [], maxPackets, maxBytes }: Options): Call {
  const { Key, UpdateExpression = "", ReturnValues: returns } = input;
  const condition = without.reduce(
    (text, part) => PARTS[part](UpdateExpression, text),
    input.ConditionExpression ?? "",
  );
  const text = `${UpdateExpression} ${condition}`;
  const mentioned = <T>(all: Readonly<Record<string, T>> = {}) =>
    Object.fromEntries(
      Object.entries(all).filter(([name]) => new RegExp(`${name}(?![A-Za-z0-9])`).test(text)),
    );
  const values = mentioned(input.ExpressionAttributeValues);
  if (maxPackets !== undefined && ":maxPackets" in values)
    values[":maxPackets"] = Number(values[":maxPackets"]) - MAX_PACKETS + maxPackets;
  if (maxBytes !== undefined && ":maxBytes" in values)
    values[":maxBytes"] = Number(values[":maxBytes"]) - MAX_BYTES + maxBytes;
  const names = mentioned(input.ExpressionAttributeNames);
  return {
    ...{ action: "update", update: UpdateExpression, values },
    ...(Key && { key: Key }),
    ...(condition !== "" && { condition }),
    ...(Object.keys(names).length > 0 && { names }),
    ...(returns && { returns }),
  };
}
