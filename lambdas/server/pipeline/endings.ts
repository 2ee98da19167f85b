import type { StoredSession } from "#server/model/session.ts";
import { isPolling } from "#server/model/transport.ts";
import type { Delivered } from "./deliver.ts";
import { type End, type EndingParts, end, endGone, endSocket, LOST } from "./end.ts";

/** Ends sockets, and gives what was known of each. */
export interface Ending {
  readonly connectionId: string;
  readonly end: () => Promise<readonly StoredSession[]>;
  /** What comes last, whatever became of the others. */
  readonly cut?: () => Promise<void>;
  /** Whether a failure is only logged. */
  readonly isLogged?: boolean;
  /** Whether everything has been done once before. */
  readonly isRepeated?: boolean;
}

/** How those end that a delivery has found gone, could not reach in time, or was to end. */
export function endings(kit: EndingParts, { gone, late, ended }: Delivered): readonly Ending[] {
  return [
    ...late.map((id) => cutting(kit, id, "a packet came too late", OVERDUE)),
    ...gone.map((one) => ({
      ...{ ...one, end: () => endGone(kit, one), isLogged: true },
      cut: () => forget(kit, one.connectionId),
    })),
    ...ended.map(({ close: cuts, sid, ...address }) =>
      cuts || sid === undefined
        ? cutting(kit, address.connectionId)
        : {
            ...address,
            end: () => endSocket(kit, { ...address, sid }, kit.runtime.now(), BY_SERVER.reason),
          },
    ),
  ];
}

/** Ends a connection that is gone. */
export const losing = (kit: EndingParts, connectionId: string): Ending => ({
  ...{ connectionId, end: () => end(kit, connectionId, LOST) },
  cut: () => forget(kit, connectionId),
});

/** What polls is closed although it is gone: nothing may wait for it any more. */
async function forget({ transport }: EndingParts, connectionId: string): Promise<void> {
  if (isPolling(connectionId)) await transport.close(connectionId);
}

const BY_SERVER: End = { reason: "server namespace disconnect", isFinal: true };
const OVERDUE: End = { ...LOST, isFinal: true };

/** Ends a connection, and cuts it when that is done. */
export function cutting(
  kit: EndingParts,
  connectionId: string,
  reason = "the server disconnected it",
  as = BY_SERVER,
): Ending {
  const { transport, runtime } = kit;
  runtime.telemetry.note("a connection was closed", { connectionId, reason });
  const cut = () => transport.close(connectionId);
  return { connectionId, end: () => end(kit, connectionId, as), cut };
}

/** Ends and cuts a connection, which is not given what waits for it. */
export const discarding = (
  kit: EndingParts,
  id: string,
  ...given: readonly [string, End?]
): Ending => ({
  ...{ ...cutting(kit, id, ...given), cut: () => kit.transport.discard(id) },
});
