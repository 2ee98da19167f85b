import {
  ConditionalCheckFailedException,
  DynamoDBServiceException,
} from "@aws-sdk/client-dynamodb";
import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import type { Database } from "../../local/database.ts";

type Fields = Readonly<Record<string, unknown>>;

/** A document client whose calls reach the embedded database within the process: the SDK and HTTP would take most of the time. */
export const clientOf = (database: Database): DynamoDBDocumentClient =>
  ({
    async send(command: {
      readonly input: Fields;
      readonly constructor: { readonly name: string };
    }) {
      const name = command.constructor.name.replace(/Command$/, "");
      const operation = /^(Get|Put|Update|Delete)$/.test(name) ? `${name}Item` : itemsOf(name);
      const input = convert(command.input, toDynamo);
      const output = (await database.call(operation, input)) as Fields;
      if (typeof output.__type === "string") throw errorOf(output.__type, output);
      return { ...convert(output, fromDynamo), $metadata: { attempts: 1 } };
    },
    destroy: () => undefined,
  }) as unknown as DynamoDBDocumentClient;

const itemsOf = (name: string): string => (name.startsWith("Batch") ? `${name}Item` : name);

const toDynamo = (item: Fields) =>
  JSON.parse(
    JSON.stringify(marshall(item, { removeUndefinedValues: true }), bytesAsText),
  ) as Fields;
const fromDynamo = (item: Fields) =>
  unmarshall(JSON.parse(JSON.stringify(item), textAsBytes) as Parameters<typeof unmarshall>[0]);

/** Bytes are base64 in DynamoDB's JSON. */
function bytesAsText(this: Fields, name: string, value: unknown): unknown {
  const bytes = this[name];
  return bytes instanceof Uint8Array ? Buffer.from(bytes).toString("base64") : value;
}

/** An attribute named `B` is never a text here: its value has a type of its own. */
const textAsBytes = (name: string, value: unknown): unknown =>
  name === "B" && typeof value === "string" ? Buffer.from(value, "base64") : value;

/** Fields that are an item, or a part of one; and those whose entries hold such fields. */
const ITEMS =
  /^(Item|Key|Attributes|ExpressionAttributeValues|ExclusiveStartKey|LastEvaluatedKey)$/;
const LISTS = /^(Items|Keys)$/;
const NESTED = /^(RequestItems|UnprocessedItems|UnprocessedKeys|PutRequest|DeleteRequest)$/;

function convert(fields: Fields, item: (item: Fields) => Fields): Fields {
  const entries = Object.entries(fields).map(([name, value]) => {
    if (value === undefined) return [name, value];
    if (ITEMS.test(name)) return [name, item(value as Fields)];
    if (LISTS.test(name)) return [name, (value as Fields[]).map(item)];
    if (NESTED.test(name)) return [name, nested(value as Fields, item)];
    if (name === "Responses")
      return [name, lists(value as Readonly<Record<string, Fields[]>>, item)];
    return [name, value];
  });
  return Object.fromEntries(entries);
}

/** Requests of tables, a list each or one, and the request in an entry of such a list. */
const nested = (fields: Fields, item: (item: Fields) => Fields): Fields => {
  if (isRequest(fields)) return convert(fields, item);
  return Object.fromEntries(
    Object.entries(fields).map(([table, requests]) => [
      table,
      Array.isArray(requests)
        ? requests.map((request) => convert(request, item))
        : convert(requests as Fields, item),
    ]),
  );
};

const isRequest = (fields: Fields): boolean => "Item" in fields || "Key" in fields;

const lists = (
  tables: Readonly<Record<string, Fields[]>>,
  item: (item: Fields) => Fields,
): Fields =>
  Object.fromEntries(Object.entries(tables).map(([table, items]) => [table, items.map(item)]));

function errorOf(type: string, { message, Message }: Fields): Error {
  const name = type.split("#")[1] ?? type;
  const given = { message: String(message ?? Message), $metadata: { attempts: 1 } };
  if (name === "ConditionalCheckFailedException") return new ConditionalCheckFailedException(given);
  return new DynamoDBServiceException({ name, $fault: "client", ...given });
}
