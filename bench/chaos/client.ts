import { setTimeout as pause } from "node:timers/promises";
import type { Socket } from "socket.io-client";
import { connect } from "../../client/index.ts";
import type { Random } from "../../local/random.ts";
import { anyAction, markOf } from "./actions.ts";
import type { Ledger, Membership, Receipt } from "./ledger.ts";
import type { PresenceLedger, Status } from "./presence.ts";

export interface ClientParts {
  readonly url: string;
  readonly token: string;
  readonly transports: readonly ("websocket" | "polling")[];
  readonly userId: string;
  /** Another user of the organisation. */
  readonly peer: string;
  /** The organisation, whose clients receive each other's events. */
  readonly audience: string;
  readonly ledger: Ledger;
  readonly presence: PresenceLedger;
  readonly random: Random;
  /** Average milliseconds between two events. */
  readonly thinkTime: number;
}

/** One client that sends random events of the contract until it is stopped. */
export interface ChaosClient {
  /** Where it is in all its rooms: since when, and what it has received. */
  readonly membership: Membership | undefined;
  /** Terminates its connection; it reconnects by itself. */
  kill(): void;
  /** Stops sending, but still receives. */
  rest(): Promise<void>;
  /** Resolves once it is connected and is answered, or has lost its connection again. */
  catchUp(): Promise<void>;
  /** Ends its session. */
  stop(): Promise<void>;
}

/** Milliseconds within which a client is back whose connection was cut last, on a machine that has other work. */
const MAX_RETURN = 60_000;

/** The rooms that every client joins. */
const JOINS: readonly (readonly [string, object])[] = [
  ["subscribe:project", { projectId: "p1" }],
  ["subscribe:collection", { projectId: "p1", collectionId: "todos" }],
  ["chat:join", { projectId: "p1", chatId: "lobby" }],
  ["custom:join", { room: "garden" }],
  ["presence:online", { projectId: "p1" }],
];

/** Whether a client is online once these are acknowledged. */
const STATUS_AFTER: Readonly<Record<string, Status>> = {
  "presence:online": "online",
  "presence:offline": "offline",
};

let marks = 0;

/** A unique mark. */
export const newMark = (): string => `#${++marks}`;

/** A client that reconnects whenever it is disconnected, and joins its rooms again unless it is the same socket. */
export function createChaosClient(parts: ClientParts): ChaosClient {
  const { ledger, presence, userId, audience, random } = parts;
  // Its events are random: not those that its type allows.
  const socket = connect(parts.url, parts) as unknown as Socket;
  socket.io.reconnectionDelay(100).reconnectionDelayMax(1000);
  let membership: Membership | undefined;
  let sessions = 0;
  let isActive = true;
  let messageId: string | undefined;
  const pending = new Set<Receipt>();

  socket.onAny((event: string, payload: unknown) => {
    const mark = markOf(event, payload);
    if (membership === undefined) return;
    if (mark !== undefined) ledger.receive(membership, mark);
    presence.tell(membership, event, payload);
  });
  socket.on("connect", () => {
    if (!socket.recovered) sessions += 1;
    if (socket.recovered && membership !== undefined) {
      ledger.comeBack(membership);
      presence.comeBack(userId);
    } else {
      membership = undefined;
      presence.change(userId, "unknown");
      void join();
    }
  });
  socket.on("disconnect", () => {
    if (membership !== undefined) {
      ledger.leave(membership);
      presence.lose(userId);
    }
    for (const receipt of pending) receipt.cut();
    pending.clear();
  });

  async function join(): Promise<void> {
    const { id } = socket;
    for (const [event, payload] of JOINS)
      while (socket.id === id && isRefusal(await ask(socket, event, payload))) await pause(100);
    // After a loss in between it joins again.
    if (socket.id !== id || membership !== undefined) return;
    membership = ledger.join(audience, userId);
    presence.change(userId, "online");
  }

  async function act(): Promise<void> {
    const mark = newMark();
    const {
      event,
      payload,
      audience: receivers,
      isVolatile,
    } = anyAction(random, mark, { peer: parts.peer, messageId });
    const receipt = ledger.send({
      ...{ mark, event, sender: userId, isVolatile },
      audience: receivers === "others" ? audience : "",
    });
    pending.add(receipt);
    const status = STATUS_AFTER[event];
    if (status !== undefined) presence.change(userId, "unknown");
    const answer = await ask(socket, event, payload);
    // The receipt was settled by a disconnect.
    if (!pending.delete(receipt)) return;
    if (isRefusal(answer)) receipt.refused(answer.error.code);
    else {
      receipt.confirmed();
      if (status !== undefined) presence.change(userId, status);
    }
    messageId = (answer as { messageId?: string }).messageId ?? messageId;
  }

  async function live(): Promise<void> {
    while (isActive) {
      await pause(random() * 2 * parts.thinkTime);
      if (isActive && membership !== undefined && socket.connected) await act();
    }
  }
  const life = live();

  async function untilConnected(): Promise<void> {
    if (!socket.connected)
      await new Promise((resolve) => socket.once("connect", () => resolve(undefined)));
  }

  return {
    get membership() {
      return membership;
    },
    kill: () => socket.io.engine?.close(),
    async rest() {
      isActive = false;
      await Promise.race([life, pause(40_000, undefined, { ref: false })]);
    },
    async catchUp() {
      const answer = untilConnected().then(() => ask(socket, "presence:update"));
      await Promise.race([answer, pause(MAX_RETURN, undefined, { ref: false })]);
    },
    async stop() {
      // The session of a client that is away would be kept until its time is over.
      await untilConnected();
      // An earlier session that is lost keeps its user online for a while.
      if (sessions === 1) presence.end(userId, audience);
      else presence.change(userId, "unknown");
      membership = undefined;
      socket.disconnect();
    },
  };
}

interface Refusal {
  readonly error: { readonly code: string };
}

const isRefusal = (answer: unknown): answer is Refusal =>
  typeof answer === "object" && answer !== null && "error" in answer;

/** The acknowledgement; a disconnect resolves with its reason. */
const ask = (socket: Socket, event: string, payload?: object): Promise<unknown> =>
  new Promise((resolve) => {
    socket.once("disconnect", resolve);
    socket.emit(event, payload, (answer: unknown) => {
      socket.off("disconnect", resolve);
      resolve(answer);
    });
  });
