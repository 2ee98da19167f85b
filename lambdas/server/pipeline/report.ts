import type { RoomAudience } from "#server/model/audience.ts";
import type { Runtime } from "#server/runtime.ts";
import type { Adapter } from "#server/store/adapter.ts";
import type { EventCall } from "./answers.ts";
import type { Parts } from "./parts.ts";
import type { Sender } from "./sender.ts";

/** What makes an application one that is watched: set by `watched` and `withAdmin`, and none of what one declares. */
export interface Watched {
  readonly watch?: (runtime: Runtime, adapter: Adapter) => Watch;
}

/** What is noted for those who watch a deployment. */
export interface Watch {
  /** What the handlers of those who watch are given besides. */
  readonly stores?: object | undefined;
  /** The server's adapter, which notes what happens to sockets. */
  readonly adapter: Adapter;
  /** Who watches. */
  readonly audience: RoomAudience;
  /** Notes an event of a socket. */
  received(call: EventCall): void;
  /** Notes a frame that a connection was posted. */
  posted(connectionId: string, frame: string): void;
  /** Gives the events to send where somebody watches: what was noted since, and with `isRound` how all is. */
  take(isRound: boolean): Promise<readonly AdminEvent[]>;
}

/** An event for those who watch. */
export type AdminEvent = readonly [event: string, ...args: unknown[]];

/** Notifies those who watch, when a function's own work is done; never throws, as that work has succeeded or failed by itself. */
export const createReport =
  ({ watch, runtime }: Pick<Parts, "watch" | "runtime">, sender: Sender) =>
  async (isRound = false): Promise<void> => {
    if (watch === undefined) return;
    try {
      const buffer = sender.newBuffer();
      for (const [event, ...args] of await watch.take(isRound))
        buffer.emit(watch.audience, event, args);
      if (buffer.emissions.length > 0) await sender.sendOrLog(buffer.take());
    } catch (error) {
      runtime.telemetry.fail("those who watch could not be notified", error);
    }
  };
