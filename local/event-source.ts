import { setTimeout as pause } from "node:timers/promises";
import type { DynamoDBRecord } from "aws-lambda";
import * as z from "zod";
import { matches } from "./filter-pattern.ts";
import type { Functions, InvocationResult } from "./functions.ts";
import type { Permissions } from "./permissions.ts";
import type { EventSourceDefinition } from "./template-invocations.ts";
import { streamArnOf } from "./template-values.ts";
import type { Work } from "./work.ts";

/** Milliseconds before a failed batch is tried again: twice as many each time, up to a limit. */
const BACKOFF = { first: 10, most: 5000 };

/** What a function must be allowed to do with a stream that is mapped to it. */
const READING = ["DescribeStream", "GetRecords", "GetShardIterator"];

export interface EventSourceParts {
  readonly functions: Functions;
  readonly work: Work;
  readonly permissions: Permissions;
  /** Called with what the failure destination is told of a batch that was tried in vain. */
  readonly onDead: (event: object, reason: string) => Promise<void>;
  readonly log: (functionName: string, text: string) => void;
}

/** Plays a mapping of a table's stream, which is one shard here: takes records and hands them on in batches. */
export function createEventSource(mapping: EventSourceDefinition, parts: EventSourceParts) {
  const { functionName, filters, batchSize } = mapping;
  const { permissions } = parts;
  const streamArn = streamArnOf(mapping.tableName);
  const waiting: DynamoDBRecord[] = [];
  let isRunning = false;

  return (records: readonly DynamoDBRecord[]): void => {
    const isTaken = (record: DynamoDBRecord) =>
      filters.length === 0 || filters.some((filter) => matches(filter, record));
    waiting.push(...records.filter(isTaken));
    if (isRunning || waiting.length === 0) return;
    isRunning = true;
    void parts.work.track(run());
  };

  async function run(): Promise<void> {
    try {
      await authorise();
      while (waiting.length > 0) await process(waiting.splice(0, batchSize));
    } catch (error) {
      parts.log(functionName, `${String(error)}\n`);
    } finally {
      isRunning = false;
    }
  }

  /** Lambda reads in the name of the function, so its role must allow it. */
  async function authorise(): Promise<void> {
    for (const operation of READING) {
      const action = `dynamodb:${operation}`;
      const refusal = await permissions.refusal(functionName, action, streamArn);
      if (refusal !== undefined) throw new Error(refusal);
    }
  }

  /** Tries a batch until it succeeds or is given up; nothing after it is read before that. */
  async function process(batch: readonly DynamoDBRecord[]): Promise<void> {
    let rest = batch;
    for (let tries = 1; ; tries += 1) {
      const result = await parts.functions.invoke(functionName, { Records: rest });
      const failed = firstFailed(rest, result);
      if (failed === undefined) return;
      if (tries > mapping.retries) return giveUp(rest.slice(failed), tries, result);
      // A function that says which records failed divides the batch by that.
      if (failed === 0 && !result.ok && mapping.bisects && rest.length > 1) {
        const half = Math.ceil(rest.length / 2);
        await process(rest.slice(0, half));
        return process(rest.slice(half));
      }
      rest = rest.slice(failed);
      await pause(Math.min(BACKOFF.most, BACKOFF.first * 2 ** (tries - 1)));
    }
  }

  /** The first record that is to be tried again, if there is one; all of them where the function failed. */
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
    // What is reported and not in the batch, or not understood, is a failure of the whole.
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
    await parts.onDead(info, result.ok ? "records were reported as failed" : result.message);
  }
}

const Returned = z.object({
  batchItemFailures: z.nullish(z.array(z.object({ itemIdentifier: z.string() }))),
});
