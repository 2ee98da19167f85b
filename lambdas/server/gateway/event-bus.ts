import { setTimeout as pause } from "node:timers/promises";
import {
  EventBridgeClient,
  type EventBridgeClientConfig,
  PutEventsCommand,
  type PutEventsRequestEntry,
} from "@aws-sdk/client-eventbridge";

/** How often what could not be put is put again, and milliseconds before that, doubled each time. */
const TRIES = 5;
const FIRST_WAIT = 50;

/** Entries that one call takes. */
const ENTRIES_A_CALL = 10;

/** Who puts them. */
const SOURCE = "serverless-socket-io";

/** What is put on a bus: its type, its content, and when it happened. */
export interface BusEvent {
  readonly type: string;
  readonly detail: object;
  readonly time: Date;
}

/** A bus of EventBridge. Throws where an event could not be put: others of the same call may have been. */
export function createEventBus(
  config: Pick<EventBridgeClientConfig, "requestHandler">,
  EventBusName: string,
) {
  const client = new EventBridgeClient(config);
  return async (events: readonly BusEvent[]): Promise<void> => {
    const entries = events.map(({ type, detail, time }) => ({
      ...{ EventBusName, Source: SOURCE, Time: time },
      ...{ DetailType: type, Detail: JSON.stringify(detail) },
    }));
    for (let from = 0; from < entries.length; from += ENTRIES_A_CALL)
      await put(entries.slice(from, from + ENTRIES_A_CALL));
  };

  async function put(all: readonly PutEventsRequestEntry[]): Promise<void> {
    let left = all;
    for (let attempt = 0; ; attempt += 1) {
      const { Entries = [] } = await client.send(new PutEventsCommand({ Entries: [...left] }));
      const fault = Entries.find(({ ErrorCode }) => ErrorCode !== undefined);
      if (fault === undefined) return;
      if (attempt + 1 === TRIES)
        throw new Error(`an event was not put: ${fault.ErrorCode}: ${fault.ErrorMessage}`);
      left = left.filter((_, index) => Entries[index]?.ErrorCode !== undefined);
      await pause(FIRST_WAIT * 2 ** attempt);
    }
  }
}
