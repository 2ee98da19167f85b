/** A command of the document client, as far as fault injection and counting read it. */
export interface Command {
  readonly input: CallInput;
}

/** The input of a database command. */
export interface CallInput {
  readonly RequestItems?: Readonly<Record<string, unknown>>;
  readonly UpdateExpression?: string;
  readonly Key?: Readonly<Record<string, unknown>>;
  readonly Item?: Readonly<Record<string, unknown>>;
  readonly ExpressionAttributeValues?: Readonly<Record<string, unknown>>;
}

/** Whether a command reads or writes items. */
export const kindOf = (command: object): "reads" | "writes" =>
  /^(Get|BatchGet|Query)Command$/.test(command.constructor.name) ? "reads" : "writes";

/** The result of a throttled batch: everything is unprocessed. */
export function unprocessedOf({ input }: Command): object | undefined {
  const [entry] = Object.values(input.RequestItems ?? {});
  if (entry === undefined) return undefined;
  return Array.isArray(entry)
    ? { UnprocessedItems: input.RequestItems }
    : { Responses: {}, UnprocessedKeys: input.RequestItems };
}

/** Marks a result as the SDK does after a retry. */
export function markRepeated<Outcome>(outcome: Outcome): Outcome {
  const { $metadata } = (outcome ?? {}) as { $metadata?: { attempts?: number } };
  if ($metadata !== undefined) $metadata.attempts = 2;
  return outcome;
}
