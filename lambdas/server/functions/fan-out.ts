import type { Context } from "aws-lambda";
import type { AnyLeanApp } from "#server/app.ts";
import { loadPool } from "#server/gateway/lean-post.ts";
import type { FanOutJob } from "#server/pipeline/deliver.ts";
import { createParts } from "#server/pipeline/parts.ts";
import { createReport } from "#server/pipeline/report.ts";
import { createSender, sendPart } from "#server/pipeline/send.ts";
import { UndeliveredError, UnmovedError } from "#server/pipeline/sender.ts";
import type { Emission } from "#server/socket/emit-buffer.ts";
import { observe, telemetry } from "#server/telemetry.ts";

const MAX_TRIES = 3;

/** A part of a large room, and how often it was tried. */
interface Job extends FanOutJob {
  readonly tries?: number;
}

/**
 * Delivers to a key range of a large room, and leaves what is more than a page of it to others. Never
 * throws: what Lambda tries again would arrive twice.
 */
export function fanOutHandler(app: AnyLeanApp) {
  const parts = createParts(app);
  const sender = createSender(parts);
  const report = createReport(parts, sender);

  return ({ emissions, range, tries = 1 }: Job, context: Context): Promise<void> =>
    observe(context, async () => {
      // Loaded while the table is asked who is in the room.
      void loadPool();
      try {
        await sendPart(sender, { emissions, range }, parts.runtime.now());
      } catch (error) {
        telemetry.fail("a part of a room was not delivered to", error, { tries });
        // Where some of it has left, what has not is counted as failed posts.
        if (error instanceof UndeliveredError) return;
        // Everybody else has got the rest.
        const left = error instanceof UnmovedError ? emissions.filter(isMove) : emissions;
        const again: Job = { emissions: left, range, tries: tries + 1 };
        if (tries < MAX_TRIES) await parts.runtime.invokeWorker(again);
        else telemetry.count("FanOutsFailed");
      } finally {
        await report();
      }
    });
}

const isMove = ({ leaves, joins }: Emission): boolean =>
  leaves !== undefined || joins !== undefined;
