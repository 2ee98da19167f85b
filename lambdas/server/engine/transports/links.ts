import QuickLRU from "quick-lru";

/** Upgraded connections that a function remembers: as many as two pages of a room are at most. */
const MAX_LINKS = 10_000;

/** The WebSocket connections that clients have upgraded to, as far as a function knows them: neither changes any more. */
export interface Links {
  /** The WebSocket connection that has taken over from a connection. */
  linkOf(connectionId: string): string | undefined;
  /** The connection that a WebSocket connection belongs to, if it has begun with polling. */
  ownerOf(link: string): string | undefined;
  /** Notes that all that waited was posted, and that the rest goes to the link. */
  upgraded(connectionId: string, link: string | undefined): void;
  /** Notes whose frames come by a link, upgraded or not. */
  owned(link: string, connectionId: string): void;
}

/** An empty memory of them. */
export function createLinks(): Links {
  const links = new QuickLRU<string, string>({ maxSize: MAX_LINKS });
  const owners = new QuickLRU<string, string>({ maxSize: MAX_LINKS });
  return {
    linkOf: (connectionId) => links.get(connectionId),
    ownerOf: (link) => owners.get(link),
    upgraded(connectionId, link) {
      if (link !== undefined) links.set(connectionId, link);
    },
    owned: (link, connectionId) => void owners.set(link, connectionId),
  };
}
