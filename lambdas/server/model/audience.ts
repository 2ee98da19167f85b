/** Sockets that are fetched at once, each with all that is kept of it: by default, and at most. */
export const FETCHED = 100;
export const MAX_FETCHED = 1000;

/** The sockets of some rooms of a tenant's namespace. */
export interface RoomAudience {
  readonly tenant: string;
  readonly nsp: string;
  readonly rooms: readonly string[];
  readonly except: readonly string[];
  /** Users whose sockets are left out. */
  readonly exceptUsers?: readonly string[] | undefined;
  /** Leaves out those whose room lists tags for them, and not this one. */
  readonly tag?: string | undefined;
  /** The sender's session, where the packet is for the others. */
  readonly sender?: string | undefined;
  /** Sockets that the application finds by itself get a copy each. */
  readonly criteria?: unknown;
  /** Set where whoever is not connected has not missed it. */
  readonly isVolatile?: boolean | undefined;
}
