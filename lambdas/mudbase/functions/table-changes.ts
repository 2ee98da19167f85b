import type { Context, DynamoDBBatchResponse, DynamoDBStreamEvent } from "aws-lambda";
import * as z from "zod/mini";
import { publishing } from "#mudbase/publishing.ts";
import { createTableChanges, TableChangesSettings } from "#mudbase/store/table-changes.ts";
import { json, read } from "#server/environment.ts";
import { EventError } from "#server/errors.ts";
import { createParts, createPublisher } from "#server/pipeline/parts.ts";
import { observe, telemetry } from "#server/telemetry.ts";

/** Milliseconds to wait for a try that has died: ten tries last as long as its claim of the change. */
const MAX_WAIT = 3000;

const Settings = z.object({ TABLE_CHANGES: json(TableChangesSettings) });
const changeIn = createTableChanges(read(Settings, process.env).TABLE_CHANGES);
const parts = createParts(publishing);
const publish = createPublisher(parts);

/**
 * Publishes the changes of a table, in their order. Stops at the first that could not be published
 * and reports it, so that Lambda tries it and those after it again, and no earlier one. What is
 * refused would be refused again: that one is logged and left out.
 */
export const handler = (
  { Records }: DynamoDBStreamEvent,
  context: Context,
): Promise<DynamoDBBatchResponse> =>
  observe(context, async () => {
    for (const record of Records) {
      try {
        await publish(changeIn(record));
      } catch (error) {
        telemetry.fail("a change was not published", error, { eventId: record.eventID });
        telemetry.count("ChangesFailed");
        const { retryAfterMs } = error instanceof EventError ? error : { retryAfterMs: 0 };
        if (retryAfterMs === undefined) continue;
        await parts.runtime.pause(Math.min(retryAfterMs, MAX_WAIT));
        const itemIdentifier = record.dynamodb?.SequenceNumber ?? "";
        return { batchItemFailures: [{ itemIdentifier }] };
      }
    }
    return { batchItemFailures: [] };
  });
