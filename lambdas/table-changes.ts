import type { Context, DynamoDBBatchResponse, DynamoDBStreamEvent } from "aws-lambda";
import * as z from "zod/mini";
import { createTableChanges, TableChangesSettings } from "#store/table-changes.ts";
import { json, read, readPublisherEnvironment } from "./environment.ts";
import { createPublisher } from "./publisher.ts";
import { observe, telemetry } from "./telemetry.ts";

const Settings = z.object({ TABLE_CHANGES: json(TableChangesSettings) });
const changeIn = createTableChanges(read(Settings, process.env).TABLE_CHANGES);
const publish = createPublisher(readPublisherEnvironment(process.env));

/**
 * Publishes the changes of a table, in their order. Stops at the first that cannot be published and
 * reports it, so that Lambda tries it and those after it again, and no earlier one.
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
        const itemIdentifier = record.dynamodb?.SequenceNumber ?? "";
        telemetry.fail("a change was not published", error, { eventId: record.eventID });
        telemetry.count("ChangesFailed");
        return { batchItemFailures: [{ itemIdentifier }] };
      }
    }
    return { batchItemFailures: [] };
  });
