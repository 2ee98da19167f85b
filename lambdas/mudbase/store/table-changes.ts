import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { unmarshall } from "@aws-sdk/util-dynamodb";
import type { DynamoDBRecord } from "aws-lambda";
import * as z from "zod/mini";
import { Id } from "#server/model/id.ts";

/** How the changes of a table become those of a collection. */
export const TableChangesSettings = z.object({
  org: Id,
  projectId: Id,
  collectionId: Id,
  /** The attribute that is a document's `_id`. */
  idAttribute: z.string(),
  /** The attributes that are told besides; without them, all. */
  attributes: z.optional(z.array(z.string())),
});
export type TableChangesSettings = z.infer<typeof TableChangesSettings>;

const EVENTS = { INSERT: "db:create", MODIFY: "db:update", REMOVE: "db:delete" } as const;

type Image = Record<string, AttributeValue>;

/** Turns a record of a DynamoDB stream into an entry of the publish function. */
export function createTableChanges(settings: TableChangesSettings) {
  const { org, projectId, collectionId, idAttribute, attributes } = settings;

  return ({ eventID, eventName = "MODIFY", dynamodb }: DynamoDBRecord): object => {
    const before = dynamodb?.OldImage && documentOf(dynamodb.OldImage as Image);
    const after = dynamodb?.NewImage && documentOf(dynamodb.NewImage as Image);
    return {
      ...{ org, projectId, collectionId },
      // A stream gives a record again where its batch failed: the id makes it happen once.
      id: eventID,
      event: EVENTS[eventName],
      data: after ?? before ?? {},
      ...(after !== undefined && before !== undefined && { previous: before }),
      // What no packet holds is told by its id: clients read it where it is.
      oversized: "id",
    };
  };

  function documentOf(image: Image): object {
    const item = unmarshall(image, { wrapNumbers: numberIn });
    const told = Object.entries(item).filter(([name]) => attributes?.includes(name) ?? true);
    // Sets become lists; binary comes in base64, and stays so.
    const document = JSON.parse(JSON.stringify(Object.fromEntries(told), plain)) as object;
    return { ...document, _id: item[idAttribute] as unknown };
  }
}

const plain = (_: string, value: unknown): unknown => (value instanceof Set ? [...value] : value);

/** Digits that a double keeps of any number. */
const SAFE_DIGITS = 15;

/** A number of DynamoDB, which has up to 38 digits; as a string where a double is another number. */
function numberIn(text: string): number | string {
  const number = Number(text);
  const digits = text
    .replace(/e.*$/i, "")
    .replaceAll(/\D/g, "")
    .replaceAll(/^0+|0+$/g, "");
  const isExact = digits.length <= SAFE_DIGITS || String(number) === text;
  return isExact && Math.abs(number) <= Number.MAX_SAFE_INTEGER ? number : text;
}
