import { randomUUID } from "node:crypto";
import type { Functions } from "./functions.ts";
import type { RuleDefinition } from "./template.ts";
import { REGION } from "./template-values.ts";
import { increments, type Meter } from "./usage.ts";

/** What EventBridge bills as one event, in bytes. */
const EVENT_BYTES = 64 * 1024;

/** One entry of `PutEvents`. */
interface PutEntry {
  readonly Source?: string | undefined;
  readonly DetailType?: string | undefined;
  readonly Detail?: string | undefined;
  readonly EventBusName?: string;
}

/** Emulates EventBridge's `PutEvents`: an event that a rule matches invokes the rule's functions asynchronously. */
export function createBus(
  rules: readonly RuleDefinition[],
  functions: Functions,
  count: Meter["count"],
) {
  return ({ Entries }: { readonly Entries: readonly PutEntry[] }) => {
    const results = Entries.map((entry) => put(entry));
    return {
      FailedEntryCount: results.filter(({ ErrorCode }) => ErrorCode).length,
      Entries: results,
    };
  };

  function put({ Source = "", DetailType = "", Detail = "", EventBusName = "" }: PutEntry): {
    readonly EventId?: string;
    readonly ErrorCode?: string;
    readonly ErrorMessage?: string;
  } {
    const detail = parse(Detail);
    if (Source === "" || DetailType === "" || detail === undefined)
      return { ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed." };
    count({ busEvents: increments(Buffer.byteLength(Detail), EVENT_BYTES) });
    const id = randomUUID();
    const event = {
      version: "0",
      ...{ id, source: Source, "detail-type": DetailType, detail, region: REGION, resources: [] },
      account: "000000000000",
      time: new Date().toISOString(),
    };
    const busName = EventBusName.split("event-bus/").at(-1);
    for (const rule of rules)
      if (rule.busName === busName && !Source.startsWith(rule.exceptSources))
        for (const name of rule.functionNames) functions.invokeAsync(name, event);
    return { EventId: id };
  }
}

function parse(detail: string): object | undefined {
  try {
    const parsed: unknown = JSON.parse(detail);
    return typeof parsed === "object" && parsed !== null ? parsed : undefined;
  } catch {
    return undefined;
  }
}
