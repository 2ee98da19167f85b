import { setTimeout as pause } from "node:timers/promises";
import { io, type Socket } from "socket.io-client";
import type { Random } from "../../local/random.ts";
import { anyAction, markOf } from "./actions.ts";
import type { Ledger, Presence, Receipt } from "./ledger.ts";

export interface ClientParts {
  readonly url: string;
  readonly token: string;
  readonly userId: string;
  /** Somebody else of the organisation. */
  readonly peer: string;
  /** The organisation: who hears of what it does, and of whom it hears. */
  readonly audience: string;
  readonly ledger: Ledger;
  readonly random: Random;
  /** Milliseconds it waits between two events, on average. */
  readonly thinkTime: number;
}

/** One client that does everything in the contract, until it is stopped. */
export interface ChaosClient {
  readonly isReady: boolean;
  /** Cuts its connection; it comes back by itself. */
  kill(): void;
  /** Does nothing any more, but still listens. */
  rest(): Promise<void>;
  stop(): void;
}

/** What every client joins; the rest is done aside. */
const JOINS: readonly (readonly [string, object])[] = [
  ["subscribe:project", { projectId: "p1" }],
  ["subscribe:collection", { projectId: "p1", collectionId: "todos" }],
  ["chat:join", { projectId: "p1", chatId: "lobby" }],
  ["custom:join", { room: "garden" }],
  ["presence:online", { projectId: "p1" }],
];

let marks = 0;

/** A mark that no other event carries. */
export const newMark = (): string => `#${++marks}`;

/** A client that reconnects whenever it is cut, joins its rooms again, and goes on. */
export function createChaosClient(parts: ClientParts): ChaosClient {
  const { ledger, userId, audience, random } = parts;
  const socket = io(parts.url, {
    transports: ["websocket"],
    forceNew: true,
    auth: { token: parts.token },
    reconnectionDelay: 100,
    reconnectionDelayMax: 1000,
  });
  let presence: Presence | undefined;
  let isActive = true;
  let messageId: string | undefined;
  const underWay = new Set<Receipt>();

  socket.onAny((event: string, payload: unknown) => {
    const mark = markOf(event, payload);
    if (mark !== undefined && presence !== undefined) ledger.hears(presence, mark);
  });
  socket.on("connect", () => void join());
  socket.on("disconnect", () => {
    if (presence !== undefined) ledger.leaves(presence);
    presence = undefined;
    for (const receipt of underWay) receipt.cut();
    underWay.clear();
  });

  async function join(): Promise<void> {
    for (const [event, payload] of JOINS)
      while (socket.connected && isRefusal(await ask(socket, event, payload))) await pause(100);
    if (socket.connected && presence === undefined) presence = ledger.enters(audience, userId);
  }

  async function act(): Promise<void> {
    const mark = newMark();
    const {
      event,
      payload,
      audience: hearers,
    } = anyAction(random, mark, { peer: parts.peer, messageId });
    const receipt = ledger.sends(mark, userId, hearers === "others" ? audience : "");
    underWay.add(receipt);
    const answer = await ask(socket, event, payload);
    // The disconnect has settled it.
    if (!underWay.delete(receipt)) return;
    if (isRefusal(answer)) receipt.refused(answer.error.code);
    else receipt.confirmed();
    messageId = (answer as { messageId?: string }).messageId ?? messageId;
  }

  async function live(): Promise<void> {
    while (isActive) {
      await pause(random() * 2 * parts.thinkTime);
      if (isActive && presence !== undefined && socket.connected) await act();
    }
  }
  const life = live();

  return {
    get isReady() {
      return presence !== undefined;
    },
    kill: () => socket.io.engine?.close(),
    async rest() {
      isActive = false;
      await Promise.race([life, pause(40_000)]);
    },
    stop: () => void socket.disconnect(),
  };
}

interface Refusal {
  readonly error: { readonly code: string };
}

const isRefusal = (answer: unknown): answer is Refusal =>
  typeof answer === "object" && answer !== null && "error" in answer;

/** What the acknowledgement carries; nothing where the socket goes before. */
const ask = (socket: Socket, event: string, payload?: object): Promise<unknown> =>
  new Promise((resolve) => {
    socket.once("disconnect", resolve);
    socket.emit(event, payload, (answer: unknown) => {
      socket.off("disconnect", resolve);
      resolve(answer);
    });
  });
