import { randomUUID } from "node:crypto";
import type { Socket } from "socket.io-client";
import type { LocalStack } from "../../local/stack.ts";

/** The organisation of all users. */
export const ORG = "acme";

/** A text of a hundred characters. */
const TEXT =
  "All that a person types into a chat before somebody else answers is about as long as this text here.";

const inP1 = { projectId: "p1" };

/** What users do, and how many. */
export interface Scene {
  readonly name: SceneName;
  readonly users: number;
  /** How many of them receive what one of them sends, or one change of a table. */
  readonly room: number;
  /** Of each user; of a table, changes for each user who sees it. */
  readonly messagesPerMinute: number;
  readonly seconds: number;
}

/** One kind of scene. */
interface Script {
  /** What the help says of it. */
  readonly description: string;
  readonly defaults: Pick<Scene, "room" | "messagesPerMinute">;
  /** What a user sends once, to receive what is sent to this room. */
  join(room: string): readonly [event: string, payload: object] | undefined;
  /** The event that each user of a room receives once for each that is sent. */
  readonly received: string;
  /** Whether who sends, where that is one of the room, receives it, too. */
  readonly sender: "receives" | "does not receive" | "is none";
  send(sender: Socket, room: string, n: number, stack: LocalStack): Promise<unknown>;
}

const chat: Omit<Script, "description" | "defaults"> = {
  join: (chatId) => ["chat:join", { ...inP1, chatId }],
  received: "message:new",
  sender: "receives",
  send: (sender, chatId) =>
    ask(sender, "message:send", { ...inP1, chatId, type: "text", content: TEXT }),
};

export const SCRIPTS = {
  idle: {
    ...chat,
    description: "users are connected and do nothing",
    defaults: { room: 1, messagesPerMinute: 0 },
    join: () => undefined,
  },
  chat: {
    ...chat,
    description: "chats, whose messages are stored and acknowledged",
    defaults: { room: 10, messagesPerMinute: 1 },
  },
  "large-room": {
    description: "events to all others, which are not stored",
    defaults: { room: 1000, messagesPerMinute: 0.01 },
    join: (projectId) => ["subscribe:project", { projectId }],
    received: "custom:event",
    sender: "does not receive",
    send: (sender, projectId) => ask(sender, "custom:event", { projectId, text: TEXT }),
  },
  "live-table": {
    description: "live queries on tables whose rows a back end changes",
    defaults: { room: 100, messagesPerMinute: 0.1 },
    join: (collectionId) => [
      "subscribe:query",
      { ...inP1, collectionId, queryId: "open", query: { done: false } },
    ],
    received: "db:update",
    sender: "is none",
    async send(_, collectionId, n, { functions }) {
      const row = { _id: `row-${n}`, done: false, title: TEXT, position: n };
      const change = { ...inP1, collectionId, data: row, previous: { ...row, position: 0 } };
      // With a key, as the emitter sends it.
      const entry = { event: "db:update", org: ORG, id: randomUUID(), ...change };
      const result = await functions.invoke(functions.named("Publish"), entry);
      if (!result.ok) throw new Error(`db:update was refused: ${result.message}`);
    },
  },
} as const satisfies Readonly<Record<string, Script>>;

export type SceneName = keyof typeof SCRIPTS;

export const scriptOf = (name: SceneName): Script => SCRIPTS[name];

/** The acknowledgement of an event; rejects if it is refused, or does not come. */
export async function ask(socket: Socket, event: string, payload: object): Promise<unknown> {
  const answer: unknown = await socket.timeout(60_000).emitWithAck(event, payload);
  const { error } = (answer ?? {}) as { readonly error?: { readonly message: string } };
  if (error !== undefined) throw new Error(`${event} was refused: ${error.message}`);
  return answer;
}
