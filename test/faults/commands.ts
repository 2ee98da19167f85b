/** A call of the document client, as far as faults and counts look into it. */
export interface Command {
  readonly input: CallInput;
}

/** What a call of the database is given. */
export interface CallInput {
  readonly RequestItems?: Readonly<Record<string, unknown>>;
  readonly UpdateExpression?: string;
  readonly Key?: Readonly<Record<string, unknown>>;
  readonly ExpressionAttributeValues?: Readonly<Record<string, unknown>>;
}

/** Whether a call reads items or writes them. */
export const kindOf = (command: object): "reads" | "writes" =>
  /^(Get|BatchGet|Query)Command$/.test(command.constructor.name) ? "reads" : "writes";

/** What of a batch DynamoDB leaves for another time when it is throttled: everything. */
export function unprocessedOf({ input }: Command): object | undefined {
  const [entry] = Object.values(input.RequestItems ?? {});
  if (entry === undefined) return undefined;
  return Array.isArray(entry)
    ? { UnprocessedItems: input.RequestItems }
    : { Responses: {}, UnprocessedKeys: input.RequestItems };
}

/** What the SDK tells of a call that it has made twice. */
export function markRepeated<Outcome>(outcome: Outcome): Outcome {
  const { $metadata } = (outcome ?? {}) as { $metadata?: { attempts?: number } };
  if ($metadata !== undefined) $metadata.attempts = 2;
  return outcome;
}
