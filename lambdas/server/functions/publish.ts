import type { Context } from "aws-lambda";
import type { AnyLeanApp } from "#server/app.ts";
import { createParts, createPublisher } from "#server/pipeline/parts.ts";
import { observe, telemetry } from "#server/telemetry.ts";

/** What EventBridge sends: the entry without its name, in an envelope with an id of its own. */
interface Envelope {
  readonly id: string;
  readonly "detail-type": string;
  readonly detail: object;
}

/**
 * An entry from the bus or from a direct caller. Throws where it cannot be published: a direct caller
 * is told, one from the bus goes to the dead letters with the reason.
 */
export function publishHandler(app: AnyLeanApp) {
  const publish = createPublisher(createParts(app));

  return (event: unknown, context: Context): Promise<object> =>
    observe(context, async () => {
      try {
        return await publish(isEnvelope(event) ? entryIn(event) : event);
      } catch (error) {
        telemetry.fail("an entry was not published", error, describe(event));
        throw error;
      }
    });
}

const isEnvelope = (event: unknown): event is Envelope =>
  typeof event === "object" && event !== null && "detail-type" in event && "detail" in event;

const entryIn = ({ id, detail, ...envelope }: Envelope): object => ({
  id,
  ...detail,
  event: envelope["detail-type"],
});

/** What may be logged of an entry: its name and id, never what it carries. */
function describe(event: unknown): object {
  const { event: name, id } = (isEnvelope(event) ? entryIn(event) : (event ?? {})) as {
    readonly event?: unknown;
    readonly id?: unknown;
  };
  return { event: String(name), ...(typeof id === "string" && { id }) };
}
