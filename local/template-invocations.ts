import * as z from "zod";
import { FilterPattern } from "./filter-pattern.ts";
import { ofType, type Resources, resolve } from "./template-values.ts";

/** How Lambda treats a function's asynchronous invocations. */
export interface AsyncConfig {
  /** Maximum number of attempts. */
  readonly tries: number;
  /** Maximum age in the queue, in milliseconds. */
  readonly maxAge: number;
}

/** An event source mapping of the template: the stream of a table and the function that receives its records. */
export interface EventSourceDefinition {
  readonly tableName: string;
  readonly functionName: string;
  /** Maximum number of records per batch. */
  readonly batchSize: number;
  /** Maximum number of retries of a failed batch. */
  readonly retries: number;
  /** Whether a failed batch is split in two. */
  readonly bisects: boolean;
  /** Whether the function reports which records failed. */
  readonly reportsFailures: boolean;
  /** A record must match one of them; without any, every record passes. */
  readonly filters: readonly FilterPattern[];
  /** The queue that receives a message about a batch whose retries are exhausted. */
  readonly failureQueue?: string | undefined;
}

const Failing = z.object({
  FunctionName: z.optional(z.unknown()),
  MaximumRetryAttempts: z.coerce.number().default(2),
  // Lambda's default is six hours.
  MaximumEventAgeInSeconds: z.coerce.number().default(21_600),
  DestinationConfig: z.optional(z.object({ OnFailure: z.object({ Destination: z.unknown() }) })),
});

const failuresOf = (resources: Resources) =>
  ofType(resources, "AWS::Lambda::EventInvokeConfig").map(([, { Properties }]) =>
    Failing.parse(Properties),
  );

/** The dead-letter queue behind each function that has one for its asynchronous invocations. */
export const deadLetterQueuesOf = (resources: Resources): ReadonlyMap<string, string> =>
  new Map(
    failuresOf(resources).flatMap(({ FunctionName, DestinationConfig }) =>
      DestinationConfig === undefined
        ? []
        : [
            [
              String(resolve(FunctionName)),
              queueIn(DestinationConfig.OnFailure.Destination),
            ] as const,
          ],
    ),
  );

const queueIn = (destination: unknown): string =>
  String(resolve(destination)).split(":function:")[1] ?? "";

/** The retries of a function's asynchronous invocations. */
export function asyncConfigOf(resources: Resources, name: string): AsyncConfig {
  const config =
    failuresOf(resources).find(({ FunctionName }) => resolve(FunctionName) === name) ??
    Failing.parse({});
  return {
    tries: 1 + config.MaximumRetryAttempts,
    maxAge: config.MaximumEventAgeInSeconds * 1000,
  };
}

const Mapping = z.object({
  EventSourceArn: z.object({ "Fn::GetAtt": z.tuple([z.string(), z.literal("StreamArn")]) }),
  FunctionName: z.optional(z.unknown()),
  Enabled: z.boolean().default(true),
  BatchSize: z.coerce.number().default(100),
  // By default Lambda retries until the stream's retention ends.
  MaximumRetryAttempts: z.coerce.number().default(-1),
  BisectBatchOnFunctionError: z.boolean().default(false),
  FunctionResponseTypes: z.array(z.string()).default([]),
  FilterCriteria: z.object({ Filters: z.array(z.object({ Pattern: z.string() })) }).optional(),
  DestinationConfig: z
    .object({ OnFailure: z.object({ Destination: z.unknown() }).optional() })
    .optional(),
});

/** The mappings of tables' streams to functions. */
export const eventSourcesOf = (resources: Resources): readonly EventSourceDefinition[] =>
  ofType(resources, "AWS::Lambda::EventSourceMapping").flatMap(([name, { Properties }]) => {
    const { data: mapping } = Mapping.safeParse(Properties);
    const filters = (mapping?.FilterCriteria?.Filters ?? []).map(({ Pattern }) =>
      FilterPattern.safeParse(JSON.parse(Pattern)),
    );
    const functionName = String(resolve(mapping?.FunctionName));
    if (mapping === undefined || !resources[functionName] || filters.some(({ error }) => error))
      throw new Error(`The event source mapping ${name} of the template is not supported locally.`);
    if (!mapping.Enabled) return [];
    const { MaximumRetryAttempts: retries, DestinationConfig } = mapping;
    const destination = DestinationConfig?.OnFailure?.Destination;
    return [
      {
        tableName: mapping.EventSourceArn["Fn::GetAtt"][0],
        functionName,
        batchSize: mapping.BatchSize,
        retries: retries < 0 ? Number.POSITIVE_INFINITY : retries,
        bisects: mapping.BisectBatchOnFunctionError,
        reportsFailures: mapping.FunctionResponseTypes.includes("ReportBatchItemFailures"),
        filters: filters.map(({ data }) => data).filter((filter) => filter !== undefined),
        ...(destination !== undefined && { failureQueue: queueIn(destination) }),
      },
    ];
  });
