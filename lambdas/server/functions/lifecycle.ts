import { setTimeout as pause } from "node:timers/promises";
import type { Context, DynamoDBStreamEvent } from "aws-lambda";
import * as z from "zod/mini";
import { read } from "#server/environment.ts";
import { createEventBus } from "#server/gateway/event-bus.ts";
import { forEach } from "#server/pipeline/for-each.ts";
import { requestHandler } from "#server/runtime.ts";
import { changedRoomIn, changeIn, lifecycleEventIn } from "#server/store/lifecycle.ts";
import { createOccupancy } from "#server/store/occupancy.ts";
import { openTable } from "#server/store/open-table.ts";
import { createLists } from "#server/store/rooms.ts";
import { observe } from "#server/telemetry.ts";

const { TABLE_NAME, EVENT_BUS_NAME } = read(
  z.object({ TABLE_NAME: z.string(), EVENT_BUS_NAME: z.string() }),
  process.env,
);
const table = openTable({ requestHandler }, { tableName: TABLE_NAME, pause });
const occupancy = createOccupancy({ table }, createLists({ table }));
const put = createEventBus({ requestHandler }, EVENT_BUS_NAME);

/**
 * Takes the changes of the table, in their order: tells other systems what they say of sockets and rooms, and notes
 * which rooms are occupied, of which later changes tell. Where it fails Lambda has it do all of them again: each
 * event has an `id` that stays the same.
 */
export const handler = ({ Records }: DynamoDBStreamEvent, context: Context): Promise<void> =>
  observe(context, async () => {
    const changes = Records.map((record) => ({ record, change: changeIn(record.dynamodb) }));
    const rooms = changes.flatMap(({ change }) => changedRoomIn(change) ?? []);
    const each = new Map(rooms.map((room) => [JSON.stringify(room), room]));
    await forEach(each, (_, room) => occupancy.update(room));
    await put(
      changes.flatMap(({ record: { eventID: id = "", dynamodb }, change }) => {
        const event = lifecycleEventIn(change);
        const time = new Date(Number(dynamodb?.ApproximateCreationDateTime) * 1000);
        return event === undefined ? [] : [{ ...event, detail: { id, ...event.detail }, time }];
      }),
    );
  });
