import type { Context } from "aws-lambda";
import { createMatching } from "#mudbase/matching.ts";
import { readPublisherEnvironment } from "#server/runtime.ts";
import type { Parcel } from "#server/socket/delivery.ts";
import { createSockets, UndeliveredError } from "#server/sockets.ts";
import { observe, telemetry } from "#server/telemetry.ts";

const TRIES = 3;

const environment = readPublisherEnvironment(process.env);
const sockets = createSockets({ ...environment, createMatching });

/** A part of a large room, and how often it was tried. */
interface Handed extends Parcel {
  readonly tries?: number;
}

/**
 * Delivers to a slice of a large room, and hands on what is more than a page of it. Never throws:
 * what Lambda tries again would arrive twice.
 */
export const handler = (handed: Handed, context: Context): Promise<void> =>
  observe(context, async () => {
    const { emissions, slice, tries = 1 } = handed;
    try {
      await sockets.send(emissions, { slice });
    } catch (error) {
      telemetry.fail("a part of a room was not delivered to", error, { tries });
      // Where some of it has left, what has not is counted as failed posts.
      if (error instanceof UndeliveredError) return;
      const again: Handed = { emissions, slice, tries: tries + 1 };
      if (tries < TRIES) await environment.handOn(again);
      else telemetry.count("FanOutsFailed");
    }
  });
