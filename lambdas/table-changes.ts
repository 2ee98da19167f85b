import type { DynamoDBBatchResponse, DynamoDBStreamEvent } from "aws-lambda";
import { readTableChangesEnvironment } from "./environment.ts";
import { createPublisher } from "./publisher.ts";

const environment = readTableChangesEnvironment(process.env);
const { changeIn, note } = environment;
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
