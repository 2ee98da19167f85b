import type { Random } from "../../local/random.ts";
import { SAMPLES } from "../../test/support/samples.ts";

/** An event that a client sends, and under which mark others hear of it. */
export interface Action {
  readonly event: string;
  readonly payload?: object | undefined;
  /** Whether everyone else in the project, or the chat, or one user hears its mark. */
  readonly audience: "others" | "nobody";
}

const p1 = { projectId: "p1" };
const lobby = { ...p1, chatId: "lobby" };

/** What the others hear, each under a mark of its own. */
const MARKED: readonly ((mark: string) => readonly [string, object])[] = [
  (mark) => ["custom:event", { ...p1, mark }],
  (mark) => ["custom:broadcast", { ...p1, event: "moved", payload: { mark } }],
  (mark) => ["custom:broadcast", { ...p1, event: "moved", payload: { mark }, room: "garden" }],
  (mark) => ["custom:presence", { ...p1, status: "busy", metadata: { mark } }],
  (mark) => ["custom:typing", { ...p1, isTyping: true, context: mark }],
  (mark) => ["custom:file:share", { ...p1, fileId: mark, fileName: "plan.pdf" }],
  (mark) => ["message:send", { ...lobby, type: "text", content: mark, clientMessageId: mark }],
  (mark) => ["message:send", { ...lobby, type: "text", content: mark }],
];

/** Whom and what an event may name: somebody else of the organisation, and a message of one's own. */
export interface Known {
  readonly peer: string;
  readonly messageId: string | undefined;
}

/** Everything else of the contract, in rooms of which no other books are kept. */
const SIDE = { chatId: "side", collectionId: "side", room: "side" };
const UNMARKED = SAMPLES.filter(({ event }) => !/^(auth:|custom:event)/.test(event)).map(
  ({ event, payload }) => {
    const aside = /join|leave|subscribe/.test(event) ? SIDE : {};
    const fields = Object.entries(aside).filter(([name]) => name in (payload ?? {}));
    return { event, payload: payload && { ...payload, ...Object.fromEntries(fields) } };
  },
);
const AUTH = ["auth:login", "auth:logout", "auth:session:update"].map((event) => ({
  event,
  payload: { projectId: "p2", sessionData: {} },
}));

/** Puts whom and what there is into a sample's payload. */
function named(payload: object | undefined, { peer, messageId = "none" }: Known) {
  const names = { targetUserId: peer, callerId: peer, participants: [peer], messageId };
  const known = Object.entries({ ...names, messageIds: [messageId] });
  return (
    payload && { ...payload, ...Object.fromEntries(known.filter(([name]) => name in payload)) }
  );
}

/** Half of what clients do is heard by others. */
export function anyAction(random: Random, mark: string, known: Known): Action {
  const pick = <Entry>(entries: readonly Entry[]): Entry =>
    entries[Math.floor(random() * entries.length)] as Entry;
  if (random() < 0.5) {
    const [event, payload] = pick(MARKED)(mark);
    return { event, payload, audience: "others" };
  }
  const { event, payload } = pick([...UNMARKED, ...AUTH]);
  return { event, payload: named(payload, known), audience: "nobody" };
}

/** Events whose payload carries a mark, and where. */
const CARRIED: Readonly<Record<string, (payload: Heard) => string | undefined>> = {
  "custom:event": ({ mark }) => mark,
  "custom:moved": ({ mark }) => mark,
  "custom:presence": ({ metadata }) => metadata?.mark,
  "custom:typing": ({ context }) => context,
  "custom:file:shared": ({ fileId }) => fileId,
  "message:new": ({ message }) => message?.content,
  "db:create": ({ data, queryId }) => data && `${data._id}${queryId === undefined ? "" : "?"}`,
};

interface Heard {
  readonly mark?: string;
  readonly metadata?: { readonly mark?: string };
  readonly context?: string;
  readonly fileId?: string;
  readonly message?: { readonly content?: string };
  readonly data?: { readonly _id?: string };
  readonly queryId?: string;
}

/** The mark that an event carries, if it carries one that books are kept of. */
export function markOf(event: string, payload: unknown): string | undefined {
  const mark = CARRIED[event]?.((payload ?? {}) as Heard);
  return mark?.startsWith("#") ? mark : undefined;
}
