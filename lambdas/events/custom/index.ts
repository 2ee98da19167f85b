import { customBroadcast } from "./custom-broadcast.ts";
import { customFileShare } from "./custom-file-share.ts";
import { customJoin } from "./custom-join.ts";
import { customLeave } from "./custom-leave.ts";
import { customMessage } from "./custom-message.ts";
import { customPresence } from "./custom-presence.ts";
import { customTyping } from "./custom-typing.ts";

/** Channels, messages and signals of the clients' own. */
export const customChannels = [
  customBroadcast,
  customJoin,
  customLeave,
  customMessage,
  customPresence,
  customTyping,
  customFileShare,
] as const;
