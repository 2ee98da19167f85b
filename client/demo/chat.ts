import type { Answer, ClientToServerEvents, RealtimeSocket } from "../index.ts";
import { createMessages, LIKE, type Message } from "./messages.ts";
import type { Panel } from "./panel.ts";
import { LOBBY } from "./scene.ts";
import { showTyping } from "./typing.ts";

/** Shows the lobby's chat: messages, those that wait, likes, read marks and who is typing. */
export function showChat(panel: Panel, socket: RealtimeSocket): void {
  const { userId } = panel;
  const messages = createMessages(panel, (messageId) =>
    // Not sent again if its acknowledgement is lost: a second one would remove the like.
    socket
      .emitWithAck("message:react", { ...LOBBY, messageId, emoji: LIKE })
      .catch(() => undefined),
  );
  const sending = new Set<Promise<void>>();
  /** What was shown when the connection was lost. */
  let before: ReadonlySet<string> | undefined;
  /** What others have sent since then, by the server's account. */
  let meanwhile: readonly string[] = [];

  socket.on("connect", () => {
    if (socket.recovered) listNewest(compare);
    else join();
  });
  socket.on("disconnect", () => {
    before = messages.ids();
    meanwhile = [];
  });
  socket.on("message:new", ({ message }) => {
    // The acknowledgement of a message that waits says which one it is.
    if (message.sender === userId) void Promise.all(sending).then(() => messages.put(message));
    else receive(message);
  });
  socket.on("message:reaction", ({ messageId, userId: by, action }) =>
    messages.liked(messageId, by, action === "added"),
  );
  socket.on("messages:read", ({ messageIds }) => messages.read(messageIds));
  const stopTyping = showTyping(panel, socket);
  const text = panel.find<HTMLInputElement>("text");
  panel.find("send").onsubmit = (event) => {
    event.preventDefault();
    send(text.value);
    text.value = "";
    stopTyping();
  };

  function receive(message: Message): void {
    messages.put(message);
    markRead([message._id]);
    if (meanwhile.includes(message._id)) tellRecovery();
  }

  function markRead(messageIds: readonly string[]): void {
    if (messageIds.length > 0) socket.emit("messages:mark:read", { ...LOBBY, messageIds });
  }

  function send(content: string): void {
    const waiting = messages.wait(content);
    // Without HTTPS, a page from another computer has no crypto.randomUUID.
    const clientMessageId = crypto.getRandomValues(new Uint32Array(4)).join("-");
    const message = { ...LOBBY, type: "text", content, clientMessageId } as const;
    const sent = deliver(message).then((answer) => {
      sending.delete(sent);
      if ("error" in answer) return waiting.refused(answer.error.message);
      waiting.arrived();
      const { messageId: _id, timestamp: createdAt } = answer;
      messages.put({ _id, sender: userId, content, createdAt });
    });
    sending.add(sent);
  }

  /** Sends a message until it is acknowledged: its clientMessageId makes that one message. */
  const deliver = (
    message: Parameters<ClientToServerEvents["message:send"]>[0],
  ): Promise<Answer<"message:send">> =>
    socket.emitWithAck("message:send", message).catch(() => deliver(message));

  function listNewest(use: (newest: readonly Message[]) => void): void {
    socket.emit("messages:history", LOBBY, (answer) => {
      if ("messages" in answer) use(answer.messages);
    });
  }

  const isUnknown = ({ _id, sender }: Message) => sender !== userId && !before?.has(_id);

  /** Joins the chat, and shows its newest messages. */
  function join(): void {
    socket.emit("chat:join", LOBBY, () =>
      listNewest((newest) => {
        for (const message of newest)
          messages.put({ ...message, reactions: message.reactions ?? {} });
        markRead(newest.filter(isUnknown).map(({ _id }) => _id));
        if (before !== undefined)
          panel.show("connected", "in a new session, with the newest messages");
      }),
    );
  }

  /** Compares what the server has with what the recovered session brought, and brings. */
  function compare(newest: readonly Message[]): void {
    meanwhile = newest.filter(isUnknown).map(({ _id }) => _id);
    tellRecovery();
  }

  function tellRecovery(): void {
    const shown = messages.ids();
    const received = meanwhile.filter((id) => shown.has(id)).length;
    const all = received === meanwhile.length;
    panel.show(
      "connected",
      meanwhile.length === 0
        ? "recovered, and nothing was sent meanwhile"
        : `recovered, ${received} of ${meanwhile.length} messages received that were sent meanwhile${all ? ", none missed" : ""}`,
    );
  }
}
