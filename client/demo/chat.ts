import type { RealtimeSocket } from "../index.ts";
import { get, make } from "./dom.ts";
import { LOBBY } from "./scene.ts";

const TYPING_TIMEOUT = 2000;

interface Message {
  readonly _id: string;
  readonly sender: string;
  readonly content: string;
  readonly reactions?: Readonly<Record<string, readonly string[]>> | undefined;
  readonly readBy?: number;
}

/** Shows the lobby's chat: messages, likes, read marks and who is typing. */
export function showChat(socket: RealtimeSocket, userId: string): void {
  const likes = new Map<string, Set<string>>();
  const reads = new Map<string, number>();

  socket.on("connect", () =>
    socket.emit("chat:join", LOBBY, () => socket.emit("messages:history", LOBBY)),
  );
  socket.on("messages:history:list", ({ messages }) => {
    get("messages").replaceChildren();
    for (const message of messages.toReversed()) add(message);
  });
  socket.on("message:new", ({ message }) => add(message));
  socket.on("message:reaction", ({ messageId, userId: by, action }) => {
    if (action === "added") likes.get(messageId)?.add(by);
    else likes.get(messageId)?.delete(by);
    tally(messageId);
  });
  socket.on("messages:read", ({ messageIds }) => {
    for (const id of messageIds) {
      reads.set(id, (reads.get(id) ?? 0) + 1);
      tally(id);
    }
  });
  showTypists(socket);
  listenToForm(socket);

  function add({ _id, sender, content, reactions, readBy = 0 }: Message): void {
    likes.set(_id, new Set(reactions?.["♥"]));
    // A read mark may arrive before its message.
    reads.set(_id, Math.max(readBy, reads.get(_id) ?? 0));
    const like = make(
      "button",
      { type: "button", ariaLabel: `Like the message of ${sender}` },
      "♥",
    );
    like.onclick = () => socket.emit("message:react", { ...LOBBY, messageId: _id, emoji: "♥" });
    const line = make(
      "li",
      { id: _id, className: sender === userId ? "own" : "" },
      make("p", {}, make("strong", {}, sender), " ", content),
      make("div", {}, like, make("small")),
    );
    get("messages").append(line);
    line.scrollIntoView({ block: "nearest" });
    tally(_id);
    if (sender !== userId) socket.emit("messages:mark:read", { ...LOBBY, messageIds: [_id] });
  }

  /** Shows likes and read marks below a message. */
  function tally(id: string): void {
    const small = document.getElementById(id)?.querySelector("small");
    if (small === null || small === undefined) return;
    const by = [...(likes.get(id) ?? [])].toSorted().join(", ");
    const read = reads.get(id) ?? 0;
    small.textContent = [by && `liked by ${by}`, read > 0 && `read by ${read}`]
      .filter(Boolean)
      .join(" · ");
  }
}

function showTypists(socket: RealtimeSocket): void {
  const typists = new Set<string>();
  const show = () => {
    const names = [...typists].toSorted();
    const verb = names.length === 1 ? "is" : "are";
    get("typing").textContent =
      names.length === 0 ? "\u00a0" : `${names.join(" and ")} ${verb} typing …`;
  };
  socket.on("connect", () => {
    typists.clear();
    show();
  });
  socket.on("user:typing:start", ({ userId }) => {
    typists.add(userId);
    show();
  });
  socket.on("user:typing:stop", ({ userId }) => {
    typists.delete(userId);
    show();
  });
}

function listenToForm(socket: RealtimeSocket): void {
  const text = get<HTMLInputElement>("text");
  let typing: ReturnType<typeof setTimeout> | undefined;

  const stopTyping = () => {
    clearTimeout(typing);
    if (typing !== undefined) socket.emit("chat:typing:stop", LOBBY);
    typing = undefined;
  };
  text.oninput = () => {
    if (typing === undefined) socket.emit("chat:typing:start", LOBBY);
    clearTimeout(typing);
    typing = setTimeout(stopTyping, TYPING_TIMEOUT);
  };
  get("send").onsubmit = (event) => {
    event.preventDefault();
    const clientMessageId = crypto.randomUUID();
    socket.emit("message:send", { ...LOBBY, type: "text", content: text.value, clientMessageId });
    text.value = "";
    stopTyping();
  };
}
