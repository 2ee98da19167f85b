import type { DynamoDBBatchResponse, DynamoDBStreamEvent } from "aws-lambda";
import * as z from "zod/mini";
import { createTableChanges, TableChangesSettings } from "#store/table-changes.ts";
import { json, read, readPublisherEnvironment } from "./environment.ts";
import { createPublisher } from "./publisher.ts";

const Settings = z.object({ TABLE_CHANGES: json(TableChangesSettings) });
const changeIn = createTableChanges(read(Settings, process.env).TABLE_CHANGES);
const environment = readPublisherEnvironment(process.env);
const { note } = environment;
const publish = createPublisher(environment);

/**
 * Publishes the changes of a table, in their order. Stops at the first that cannot be published and
 * reports it, so that Lambda tries it and those after it again, and no earlier one.
 */
export async function handler({ Records }: DynamoDBStreamEvent): Promise<DynamoDBBatchResponse> {
  for (const record of Records) {
    try {
      await publish(changeIn(record));
    } catch (error) {
      const itemIdentifier = record.dynamodb?.SequenceNumber ?? "";
      note("a change was not published", { eventId: record.eventID, itemIdentifier, error });
      return { batchItemFailures: [{ itemIdentifier }] };
    }
  }
  return { batchItemFailures: [] };
}
