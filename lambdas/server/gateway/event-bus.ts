import {
  EventBridgeClient,
  type EventBridgeClientConfig,
  PutEventsCommand,
} from "@aws-sdk/client-eventbridge";

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
    for (let from = 0; from < events.length; from += ENTRIES_A_CALL) {
      const Entries = events.slice(from, from + ENTRIES_A_CALL).map(({ type, detail, time }) => ({
        ...{ EventBusName, Source: SOURCE, Time: time },
        ...{ DetailType: type, Detail: JSON.stringify(detail) },
      }));
      const result = await client.send(new PutEventsCommand({ Entries }));
      const fault = result.Entries?.find(({ ErrorCode }) => ErrorCode !== undefined);
      if (fault !== undefined)
        throw new Error(
          `an event was not put on the bus: ${fault.ErrorCode}: ${fault.ErrorMessage}`,
        );
    }
  };
}
