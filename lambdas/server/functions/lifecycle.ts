import { setTimeout as pause } from "node:timers/promises";
import { type AttributeValue, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { unmarshall } from "@aws-sdk/util-dynamodb";
import type { Context, DynamoDBRecord, DynamoDBStreamEvent } from "aws-lambda";
import * as z from "zod/mini";
import { createEventBus } from "#server/gateway/event-bus.ts";
import { read, requestHandler } from "#server/runtime.ts";
import { changedRoomIn, type ItemChange, lifecycleEventIn } from "#server/store/lifecycle.ts";
import { createOccupancy } from "#server/store/occupancy.ts";
import { createLists } from "#server/store/rooms.ts";
import { createTable } from "#server/store/table.ts";
import { observe } from "#server/telemetry.ts";

const { TABLE_NAME, EVENT_BUS_NAME } = read(
  z.object({ TABLE_NAME: z.string(), EVENT_BUS_NAME: z.string() }),
  process.env,
);
const client = DynamoDBDocumentClient.from(new DynamoDBClient({ requestHandler }));
const table = createTable({ client, tableName: TABLE_NAME, pause });
const occupancy = createOccupancy({ table }, createLists({ table }));
const put = createEventBus(new EventBridgeClient({ requestHandler }), EVENT_BUS_NAME);

/**
 * Takes the changes of the table, in their order: tells other systems what they say of sockets and rooms, and notes
 * which rooms are occupied, of which later changes tell. Where it fails Lambda has it do all of them again: each
 * event has an `id` that stays the same.
 */
export const handler = ({ Records }: DynamoDBStreamEvent, context: Context): Promise<void> =>
  observe(context, async () => {
    const changes = Records.map((record) => ({ record, change: changeIn(record) }));
    const rooms = changes.flatMap(({ change }) => changedRoomIn(change) ?? []);
    const each = new Map(rooms.map((room) => [JSON.stringify(room), room]));
    for (const room of each.values()) await occupancy.update(room);
    await put(
      changes.flatMap(({ record: { eventID: id = "", dynamodb }, change }) => {
        const event = lifecycleEventIn(change);
        const time = new Date(Number(dynamodb?.ApproximateCreationDateTime) * 1000);
        return event === undefined ? [] : [{ ...event, detail: { id, ...event.detail }, time }];
      }),
    );
  });

const changeIn = ({ dynamodb }: DynamoDBRecord): ItemChange => ({
  before: itemIn(dynamodb?.OldImage),
  after: itemIn(dynamodb?.NewImage),
});

const itemIn = (image: object | undefined) =>
  image && unmarshall(image as Record<string, AttributeValue>);
