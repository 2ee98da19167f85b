import { make, makeTime } from "./dom.ts";
import type { Panel } from "./panel.ts";

const SHOWN_MESSAGES = 200;
export const LIKE = "♥";

/** A message as the server has it. */
export interface Message {
  readonly _id: string;
  readonly sender: string;
  readonly content: string;
  readonly createdAt: string;
  readonly reactions?: Readonly<Record<string, readonly string[]>> | undefined;
  readonly readBy?: number | undefined;
}

/** What is known of a message: a like or a read mark may arrive before it. */
interface Known {
  likes: Set<string>;
  isRead: boolean;
  line?: Line;
}

interface Line {
  readonly element: HTMLElement;
  readonly like: HTMLButtonElement;
  readonly note: HTMLElement;
  readonly isOwn: boolean;
}

/** A message that waits for its acknowledgement. */
export interface Waiting {
  arrived(): void;
  refused(reason: string): void;
}

/** The messages that a panel shows. */
export interface Messages {
  /** The ids of those that are shown. */
  ids(): ReadonlySet<string>;
  /** Shows a message in the order of time, or what is new about it. */
  put(message: Message): void;
  liked(id: string, userId: string, isLiked: boolean): void;
  read(ids: readonly string[]): void;
  /** Shows a message that waits for its acknowledgement, below all others. */
  wait(content: string): Waiting;
}

/** Shows messages in a panel; `sendLike` resolves when the like is acknowledged, or lost. */
export function createMessages(
  { userId, find }: Panel,
  sendLike: (id: string) => Promise<unknown>,
): Messages {
  const messages = new Map<string, Known>();

  function stateOf(id: string): Known {
    const known = messages.get(id);
    if (known !== undefined) return known;
    const state = { likes: new Set<string>(), isRead: false };
    messages.set(id, state);
    if (messages.size > SHOWN_MESSAGES) removeOldest();
    return state;
  }

  function removeOldest(): void {
    const [oldest = ""] = messages.keys();
    messages.get(oldest)?.line?.element.remove();
    messages.delete(oldest);
  }

  function makeLine({ _id, sender, content, createdAt }: Message): Line {
    const isOwn = sender === userId;
    const ariaLabel = `Like the message of ${sender}`;
    const like = make("button", { type: "button", ariaLabel }, LIKE);
    like.onclick = async () => {
      if (like.ariaBusy === "true") return;
      like.ariaBusy = "true";
      tally(_id);
      await sendLike(_id);
      like.ariaBusy = "false";
      tally(_id);
    };
    const note = make("small");
    const element = make(
      "li",
      { className: isOwn ? "own" : "" },
      ...[heading(sender, createdAt), make("p", {}, content), make("p", {}, like, note)],
    );
    element.dataset.createdAt = createdAt;
    return { element, like, note, isOwn };
  }

  /** Shows likes and read marks below a message. */
  function tally(id: string): void {
    const { likes, isRead, line } = stateOf(id);
    if (line === undefined) return;
    const { like, note, isOwn } = line;
    const names = [...likes].toSorted().map((name) => (name === userId ? "you" : name));
    like.ariaPressed = String(likes.has(userId));
    const notes = [
      names.length > 0 &&
        `${names.length} ${names.length === 1 ? "like" : "likes"}: ${names.join(", ")}`,
      like.ariaBusy === "true" && "your like waits",
      isOwn && isRead && "read",
    ];
    note.textContent = notes.filter(Boolean).join(" · ");
  }

  return {
    ids: () => new Set([...messages].flatMap(([id, { line }]) => (line === undefined ? [] : [id]))),

    put(message) {
      const { _id, createdAt, reactions, readBy = 0 } = message;
      const state = stateOf(_id);
      if (reactions !== undefined) state.likes = new Set(reactions[LIKE]);
      if (readBy > 0) state.isRead = true;
      if (state.line === undefined) {
        state.line = makeLine(message);
        const list = find("messages");
        const shown = [...list.children] as HTMLElement[];
        const later = shown.find(({ dataset }) => (dataset.createdAt ?? "") > createdAt);
        list.insertBefore(state.line.element, later ?? null);
      }
      tally(_id);
    },

    liked(id, by, isLiked) {
      const { likes } = stateOf(id);
      if (isLiked) likes.add(by);
      else likes.delete(by);
      tally(id);
    },

    read(ids) {
      for (const id of ids) {
        stateOf(id).isRead = true;
        tally(id);
      }
    },

    wait(content) {
      const note = make("small", {}, "waiting");
      const lines = [heading(userId, new Date().toISOString()), make("p", {}, content)];
      const element = make("li", { className: "own" }, ...lines, make("p", {}, note));
      find("waiting").append(element);
      return {
        arrived: () => element.remove(),
        refused(reason) {
          note.textContent = `not sent: ${reason}`;
        },
      };
    },
  };
}

const heading = (sender: string, createdAt: string) =>
  make("p", {}, make("strong", {}, sender), " ", makeTime(createdAt));
