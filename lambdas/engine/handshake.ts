import type { Heartbeat } from "#model/limits.ts";
import { encode } from "./frames.ts";

/** Whether a page of this origin may connect; what is no page names none, and may. */
export const admitsOrigin = (allowed: readonly string[], origin: string | undefined): boolean =>
  allowed.length === 0 || origin === undefined || allowed.includes(origin);

/** Says why an upgrade is not one to Engine.IO v4 over WebSocket, or nothing if it is. */
export function handshakeFault(query: Readonly<Record<string, string | undefined>>) {
  if (query.EIO !== "4") return "EIO must be 4";
  if (query.transport !== "websocket") return "transport must be websocket";
  if (query.sid !== undefined) return "there is no session to upgrade: start with websocket";
  return undefined;
}

/** The frame of the OPEN packet, with which the server speaks first. */
export const openFrame = (sid: string, heartbeat: Heartbeat): string =>
  encode({ type: "open", data: JSON.stringify({ sid, upgrades: [], ...heartbeat }) });
