import { chatJoin } from "./chat-join.ts";
import { chatLeave } from "./chat-leave.ts";
import { chatTypingStart } from "./chat-typing-start.ts";
import { chatTypingStop } from "./chat-typing-stop.ts";
import { messageDelete } from "./message-delete.ts";
import { messageEdit } from "./message-edit.ts";
import { messageReact } from "./message-react.ts";
import { messageSend } from "./message-send.ts";
import { messagesHistory } from "./messages-history.ts";
import { messagesMarkRead } from "./messages-mark-read.ts";

/** Chats and their messages. */
export const chatEvents = [
  chatJoin,
  chatLeave,
  chatTypingStart,
  chatTypingStop,
  messageSend,
  messageReact,
  messageEdit,
  messageDelete,
  messagesMarkRead,
  messagesHistory,
] as const;
