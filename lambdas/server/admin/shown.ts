import type { StoredSession } from "#server/model/session.ts";
import { isPolling } from "#server/model/transport.ts";

/** The namespace of the Admin UI, and the tenant of those who watch there. */
export const ADMIN = "/admin";

/** A namespace of a tenant, as one name: the tenant, in which no `/` is left, comes before it. */
export const shownNamespace = (nsp: string, tenant: string): string =>
  `${encodeURIComponent(tenant)}${nsp}`;

/** The namespace and the tenant that are shown by a name; nothing where none can be. */
export function namespaceOf(
  shown: string,
): { readonly nsp: string; readonly tenant: string } | undefined {
  const end = shown.indexOf("/");
  const [tenant, nsp] = end < 0 ? [shown, "/"] : [shown.slice(0, end), shown.slice(end)];
  try {
    return { nsp, tenant: decodeURIComponent(tenant) };
  } catch {
    return undefined;
  }
}

/** What is shown of a session. */
type Shown = Pick<StoredSession, "connectionId" | "connectedAt" | "nsp" | "session" | "link"> &
  Partial<Pick<StoredSession, "beganAt">> & { readonly rooms: readonly string[] };

/** A socket as the Admin UI takes it; of its handshake nothing is stored but when it was. */
export function shownSocket(
  { connectionId, connectedAt, beganAt, nsp, session, link, rooms }: Shown,
  everyone: string,
) {
  const { id, tenant, userId, data } = session;
  const issued = beganAt || connectedAt;
  return {
    id,
    clientId: connectionId,
    transport: isPolling(connectionId) && link === undefined ? "polling" : "websocket",
    nsp: shownNamespace(nsp, tenant),
    data: { userId, ...(tenant !== "" && { tenant }), data },
    handshake: {
      ...{ address: "", headers: {}, query: {}, url: "", secure: true, xdomain: false },
      ...{ issued, time: new Date(issued).toISOString() },
    },
    rooms: rooms.filter((room) => room !== everyone),
  };
}
