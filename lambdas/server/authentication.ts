import type { AppTypes, UntypedApp } from "./app.ts";
import type { Tags } from "./model/session.ts";

/** What a CONNECT brings. */
export interface Handshake {
  readonly id: string;
  readonly connectionId: string;
  readonly nsp: string;
  /** What the client set as `auth`. */
  readonly auth: Readonly<Record<string, unknown>>;
  /** Reads what the application kept of the upgrade; nothing else of it is stored, because headers carry credentials. */
  readonly kept: () => Promise<unknown>;
}

/** Who is behind a socket, and where it is from the start. */
export interface Authenticated<T extends AppTypes> {
  /** Keeps rooms, limits and logs apart. Default: all are one tenant. */
  readonly tenant?: string;
  /** Default: the socket's own id. */
  readonly userId?: string;
  readonly data?: T["Data"];
  /** Epoch seconds at which the session ends by itself. */
  readonly expiresAt?: number;
  /** Rooms it is in from the start, besides everyone's. */
  readonly rooms?: readonly T["Room"][];
  /** Words that a room lists of it, for broadcasts that are `tagged`. */
  readonly tags?: Readonly<Record<string, Tags>>;
  /** What can be revoked to end the session and to keep it from coming back. */
  readonly credentials?: readonly string[];
}

/** Lets everybody in, as Socket.IO does that has no middleware. */
export const everybody = (): object => ({});

/** As Socket.IO's own: `next()` lets a socket in, `next(error)` refuses it with the error's message and `data`. */
export type Middleware<T extends AppTypes = UntypedApp> = (
  socket: {
    readonly id: string;
    readonly handshake: Pick<Handshake, "auth">;
    readonly tenant: string;
    readonly userId: string;
    readonly data: T["Data"];
  },
  next: (error?: Error & { readonly data?: unknown }) => void,
) => unknown;

/** What `$connect` knows of an upgrade. */
export interface Upgrade {
  readonly connectionId: string;
  /** Epoch milliseconds at which API Gateway accepted the connection. */
  readonly connectedAt: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly query: Readonly<Record<string, string | undefined>>;
}
