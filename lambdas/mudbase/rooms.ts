import { segments, splitSegments } from "#server/model/segments.ts";
import { kindOf } from "#server/model/session.ts";

declare const isRoom: unique symbol;

/**
 * A room of one organisation, as `<kind>#<id>…`. Only the functions below make one, so no name a
 * client types reaches a room of another kind (contract, custom channels).
 */
export type Room = string & { readonly [isRoom]: true };

const room = (...parts: readonly string[]): Room => segments(...parts) as Room;

/** Every socket of the organisation. */
export const orgRoom: Room = room("org");

/** Every socket of one user. */
export const userRoom = (userId: string): Room => room("user", userId);

/** The sockets of one session, by the `sid` of its tokens. */
export const sessionRoom = (sid: string): Room => room("session", sid);

/** The sockets that connected with one token, by its `jti`. */
export const tokenRoom = (jti: string): Room => room("token", jti);

/** Sockets subscribed to a project. */
export const projectRoom = (projectId: string): Room => room("project", projectId);

/** Sockets subscribed to a collection of a project. */
export const collectionRoom = (projectId: string, collectionId: string): Room =>
  room("collection", projectId, collectionId);

/** Sockets subscribed to one document of a collection. */
export const documentRoom = (projectId: string, collectionId: string, documentId: string): Room =>
  room("document", projectId, collectionId, documentId);

/** Sockets in a chat of a project. */
export const chatRoom = (projectId: string, chatId: string): Room =>
  room("chat", projectId, chatId);

/** Sockets that follow an integration of a project. */
export const integrationRoom = (projectId: string, integrationId: string): Room =>
  room("integration", projectId, integrationId);

/** Sockets that hear the webhooks of an integration. */
export const webhookRoom = (projectId: string, integrationId: string): Room =>
  room("webhook", projectId, integrationId);

/** Sockets subscribed to the wallets of an address, project, chain or currency. */
export const walletRoom = (kind: "address" | "project" | "chain" | "currency", id: string): Room =>
  room("wallet", kind, { address: id, project: id, ...namesOf(id) }[kind]);

/** Chains and currencies are the same in whatever case. */
const namesOf = (id: string) => ({ chain: id.toLowerCase(), currency: id.toUpperCase() });

/** The rooms of one kind that were made of a project and this id. */
export const roomsNamed = (
  candidates: readonly Room[],
  make: (projectId: string, id: string) => Room,
  id: string,
): readonly Room[] =>
  candidates.filter((candidate) => {
    const projectId = projectOf(candidate);
    return projectId !== undefined && make(projectId, id) === candidate;
  });

/** The project in a room's name, where its kind has one. */
export const projectOf = (candidate: Room): string | undefined => splitSegments(candidate)[1];

/** A custom channel of the organisation. */
export const customRoom = (name: string): Room => room("custom", name);

/** Sockets online in a project, or in the whole organisation where no project is given. */
export const presenceRoom = (projectId?: string): Room =>
  projectId === undefined ? room("presence") : room("presence", projectId);

/** Tells the presence rooms among the rooms of a socket. */
export const isPresenceRoom = (candidate: string): candidate is Room =>
  kindOf(candidate) === "presence";

/** Who hears of someone coming online in a presence room besides those online there themselves. */
export const presenceAudience = (presence: Room): Room =>
  presence === presenceRoom() ? orgRoom : (presence.replace(/^presence/, "project") as Room);
