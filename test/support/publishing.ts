import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { stack } from "./running.ts";

/** Publishes by invoking the publish function, as a back end does. */
export async function publish(entry: object): Promise<unknown> {
  const response = await fetch(
    `${stack.url}/2015-03-31/functions/${publishFunction()}/invocations`,
    {
      method: "POST",
      body: JSON.stringify(entry),
    },
  );
  const answer: unknown = await response.json();
  if (response.headers.has("x-amz-function-error"))
    throw new Error(String((answer as { readonly errorMessage: string }).errorMessage));
  return answer;
}

/** Publishes a chat. */
export const putChat = (org: string, chat: object): Promise<unknown> =>
  publish({ event: "chat:put", org, chat });

/** The publish function's name. */
export const publishFunction = (): string => stack.functions.named("Publish");

/** Puts an event on the bus of the stack, with an unmodified SDK client. */
export async function putEvents(event: {
  readonly "detail-type": string;
  readonly detail: object;
}): Promise<void> {
  const client = new EventBridgeClient({
    endpoint: stack.url,
    region: "us-east-1",
    credentials: { accessKeyId: "BACKEND", secretAccessKey: "local" },
  });
  const entry = {
    Source: "app",
    DetailType: event["detail-type"],
    Detail: JSON.stringify(event.detail),
    EventBusName: stack.busNames[0],
  };
  const { FailedEntryCount } = await client.send(new PutEventsCommand({ Entries: [entry] }));
  if (FailedEntryCount !== 0) throw new Error("the bus did not accept the event");
}
