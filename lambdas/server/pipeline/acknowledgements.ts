import { randomInt } from "node:crypto";
import { EventError, TimeoutError } from "#server/errors.ts";
import {
  type Asked,
  MAX_ACK_ID,
  MAX_ACKNOWLEDGEMENT,
  MAX_ASKED,
  MAX_INTERVAL,
  MAX_TIMEOUT,
  MIN_INTERVAL,
} from "#server/model/acknowledgement.ts";
import type { Session } from "#server/model/session.ts";
import type { AckRequest } from "#server/socket/broadcast.ts";
import { type EmitBuffer, isOfRooms } from "#server/socket/emit-buffer.ts";
import type { AckPacket } from "#server/socket/packets.ts";
import { refuseOversized } from "./oversized.ts";
import type { Parts } from "./parts.ts";
import type { Ready, Sender } from "./sender.ts";

/** Milliseconds that a function keeps for what comes after it has waited. */
const TO_ANSWER = 4000;

type AskingParts = Pick<Parts, "adapter" | "runtime">;

/**
 * Sends what waits and an event to be acknowledged after it, calls `onWait`, and waits until all have answered or the time
 * is over.
 */
export async function ask(
  parts: AskingParts,
  buffer: EmitBuffer,
  send: Sender["sendOrLog"],
  { audience, tenant, milliseconds, event, args }: AckRequest,
  onWait: () => void = () => undefined,
): Promise<readonly unknown[]> {
  const { adapter, runtime } = parts;
  requireTimeout(milliseconds);
  if (isOfRooms(audience) && audience.criteria !== undefined)
    throw new Error("what is matched cannot be asked for acknowledgements");
  const flush = async (ready?: Ready) => {
    refuseOversized(buffer, runtime.limits);
    await send(buffer.take(), { ready, ...(ready && { pageSize: MAX_ASKED + 1 }) });
  };
  if (buffer.emissions.length > 0) await flush();
  const asked: Asked = { tenant, nsp: audience.nsp, id: randomInt(1, MAX_ACK_ID) };
  let sids: readonly string[] = [];
  buffer.ask(audience, asked.id, event, args);
  await flush(async ({ asked: found, isAll }) => {
    if (!isAll || found.length > MAX_ASKED)
      throw new EventError(
        "too_large",
        `${event}: its rooms have more than ${MAX_ASKED} sockets; no more can be asked`,
      );
    sids = found;
    await adapter.acknowledgements.ask(asked, found);
  });
  onWait();
  const left = Math.max(0, runtime.remaining() - TO_ANSWER);
  return answersOf(parts, asked, sids, runtime.now() + Math.min(milliseconds, left));
}

function requireTimeout(milliseconds: unknown): void {
  const isLegal =
    typeof milliseconds === "number" && milliseconds > 0 && milliseconds <= MAX_TIMEOUT;
  if (!isLegal)
    throw new Error(
      `a timeout must be a number of milliseconds above 0, at most ${MAX_TIMEOUT}, not ${JSON.stringify(milliseconds)}`,
    );
}

/** Keeps an acknowledgement of a client for the function that has asked for it; any other is ignored. */
export async function acknowledge(
  { adapter, runtime }: AskingParts,
  { id: sid, tenant }: Session,
  { nsp, ackId: id, args: [answer] }: AckPacket,
): Promise<void> {
  if (id === undefined) return;
  const kept = await adapter.acknowledgements.put({ tenant, nsp, id }, sid, answer);
  if (kept !== "too_large") return;
  const reason = `it has more than ${MAX_ACKNOWLEDGEMENT} bytes`;
  runtime.telemetry.note("an acknowledgement was ignored", { sid, reason });
}

/** Reads what has been acknowledged, less and less often. */
async function answersOf(
  { adapter, runtime }: AskingParts,
  asked: Asked,
  sids: readonly string[],
  until: number,
): Promise<readonly unknown[]> {
  const { now, pause, telemetry } = runtime;
  for (let wait = MIN_INTERVAL; sids.length > 0; wait = Math.min(MAX_INTERVAL, wait * 1.5)) {
    await pause(Math.min(wait, Math.max(0, until - now())));
    const isLast = now() >= until;
    const answers = await adapter.acknowledgements.get(asked, sids).catch((error: unknown) => {
      if (isLast) throw error;
      telemetry.fail("acknowledgements could not be read", error);
      return new Map<string, unknown>();
    });
    const missing = sids.filter((sid) => !answers.has(sid));
    if (missing.length > 0 && !isLast) continue;
    const responses = sids.filter((sid) => answers.has(sid)).map((sid) => answers.get(sid));
    if (missing.length > 0) throw new TimeoutError(responses, missing);
    return responses;
  }
  return [];
}
