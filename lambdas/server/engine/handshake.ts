import { randomBytes } from "node:crypto";
import type { Heartbeat } from "#server/model/limits.ts";
import { encode } from "./frames.ts";

/** The headers of an upgrade, in whatever case their names were sent. */
export type Headers = Readonly<Record<string, string | undefined>>;

/** A header, by its name in lower case. */
export const headerOf = (headers: Headers, wanted: string): string | undefined =>
  Object.entries(headers).find(([name]) => name.toLowerCase() === wanted)?.[1];

/**
 * Whether a page of this origin may connect. What is no page names none, or, as native clients do, the
 * server's own address; a browser lets no page choose either header.
 */
export function admitsOrigin(allowed: readonly string[], headers: Headers): boolean {
  const origin = headerOf(headers, "origin");
  if (allowed.length === 0 || origin === undefined || allowed.includes(origin)) return true;
  return hostIn(origin) === hostIn(headerOf(headers, "host") ?? "");
}

/** The host of an origin or a `Host` header, with its port where that is not a default one. */
const hostIn = (address: string): string =>
  address
    .toLowerCase()
    .replace(/^(https?|wss?):\/\//, "")
    .replace(/:(80|443)$/, "");

/** The subprotocol to answer with: the first one offered. A browser that offers any connects with no other answer. */
export const subprotocolOf = (headers: Headers): string | undefined =>
  /^\s*([!#$%&'*+.^`|~\w-]+)/.exec(headerOf(headers, "sec-websocket-protocol") ?? "")?.[1];

/** Says why an upgrade is not one to Engine.IO v4 over WebSocket, or nothing if it is. */
export function handshakeFault(query: Readonly<Record<string, string | undefined>>) {
  if (query.EIO !== "4") return "EIO must be 4";
  if (query.transport !== "websocket") return "transport must be websocket";
  return undefined;
}

/** A new Engine.IO session id: whoever knows it is its client. */
export const newSid = (): string => randomBytes(15).toString("base64url");

/** Whether a text may be such an id. */
export const isSid = (text: string): boolean => /^[\w-]{20}$/.test(text);

/** The frame of the OPEN packet, with which the server speaks first. */
export const openFrame = (
  sid: string,
  heartbeat: Heartbeat,
  upgrades: readonly string[] = [],
): string => encode({ type: "open", data: JSON.stringify({ sid, upgrades, ...heartbeat }) });
