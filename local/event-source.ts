import { setTimeout as pause } from "node:timers/promises";
import type { DynamoDBRecord } from "aws-lambda";
import * as z from "zod";
import { matches } from "./filter-pattern.ts";
import type { Functions, InvocationResult } from "./functions.ts";
import type { Permissions } from "./permissions.ts";
import type { EventSourceDefinition } from "./template-invocations.ts";
import { streamArnOf } from "./template-values.ts";
import type { Work } from "./work.ts";

/** Milliseconds before a failed batch is retried, doubled with each attempt up to the maximum. */
const BACKOFF = { min: 10, max: 5000 };

/** The actions that a function's role must allow on a stream that is mapped to it. */
const STREAM_OPERATIONS = ["DescribeStream", "GetRecords", "GetShardIterator"];

export interface EventSourceParts {
  readonly functions: Functions;
  readonly work: Work;
  readonly permissions: Permissions;
  /** Called with the message for the failure destination about a batch whose retries are exhausted. */
  readonly onDeadLetter: (event: object, reason: string) => Promise<void>;
  readonly log: (functionName: string, text: string) => void;
}

/** Emulates an event source mapping of a table's stream, with one shard: invokes the function with batches of records. */
export function createEventSource(mapping: EventSourceDefinition, parts: EventSourceParts) {
  const { functionName, filters, batchSize } = mapping;
  const { permissions } = parts;
  const streamArn = streamArnOf(mapping.tableName);
  const queue: DynamoDBRecord[] = [];
  let isRunning = false;

  return (records: readonly DynamoDBRecord[]): void => {
    const isMatched = (record: DynamoDBRecord) =>
      filters.length === 0 || filters.some((filter) => matches(filter, record));
    queue.push(...records.filter(isMatched));
    if (isRunning || queue.length === 0) return;
    isRunning = true;
    void parts.work.track(run());
  };

  async function run(): Promise<void> {
    try {
      await authorise();
      while (queue.length > 0) await process(queue.splice(0, batchSize));
    } catch (error) {
      parts.log(functionName, `${String(error)}\n`);
    } finally {
      isRunning = false;
    }
  }

  /** Lambda reads the stream with the role of the function, which must allow it. */
  async function authorise(): Promise<void> {
    for (const operation of STREAM_OPERATIONS) {
      const action = `dynamodb:${operation}`;
      const refusal = await permissions.refusal(functionName, action, streamArn);
      if (refusal !== undefined) throw new Error(refusal);
    }
  }

  /** Retries a batch until it succeeds or its retries are exhausted; the following records wait. */
  async function process(batch: readonly DynamoDBRecord[]): Promise<void> {
    let rest = batch;
    for (let tries = 1; ; tries += 1) {
      const result = await parts.functions.invoke(functionName, { Records: rest });
      const failed = firstFailed(rest, result);
      if (failed === undefined) return;
      if (tries > mapping.retries) return giveUp(rest.slice(failed), tries, result);
      // If the function reports which records failed, the batch is split there instead.
      if (failed === 0 && !result.ok && mapping.bisects && rest.length > 1) {
        const half = Math.ceil(rest.length / 2);
        await process(rest.slice(0, half));
        return process(rest.slice(half));
      }
      rest = rest.slice(failed);
      await pause(Math.min(BACKOFF.max, BACKOFF.min * 2 ** (tries - 1)));
    }
  }

  /** The index of the first record to retry, if any; 0 if the function failed. */
  function firstFailed(
    batch: readonly DynamoDBRecord[],
    result: InvocationResult,
  ): number | undefined {
    if (!result.ok) return 0;
    if (!mapping.reportsFailures) return undefined;
    const { data } = Returned.safeParse(result.value ?? {});
    const reported = data?.batchItemFailures?.map(({ itemIdentifier }) =>
      batch.findIndex(({ dynamodb }) => dynamodb?.SequenceNumber === itemIdentifier),
    );
    // A report that is not valid, or names no record of the batch, fails the whole batch.
    if (reported === undefined) return data === undefined ? 0 : undefined;
    return reported.length === 0 ? undefined : Math.max(0, Math.min(...reported));
  }

  async function giveUp(
    batch: readonly DynamoDBRecord[],
    tries: number,
    result: InvocationResult,
  ): Promise<void> {
    const [first, last] = [batch[0]?.dynamodb, batch.at(-1)?.dynamodb];
    const info = {
      requestContext: { condition: "RetryAttemptsExhausted", approximateInvokeCount: tries },
      version: "1.0",
      timestamp: new Date().toISOString(),
      DDBStreamBatchInfo: {
        shardId: "shardId-00000000000000000000-00000000",
        startSequenceNumber: first?.SequenceNumber,
        endSequenceNumber: last?.SequenceNumber,
        batchSize: batch.length,
        streamArn,
      },
    };
    await parts.onDeadLetter(info, result.ok ? "records were reported as failed" : result.message);
  }
}

const Returned = z.object({
  batchItemFailures: z.nullish(z.array(z.object({ itemIdentifier: z.string() }))),
});
