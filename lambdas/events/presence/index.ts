import { presenceGetOnline } from "./presence-get-online.ts";
import { presenceOffline } from "./presence-offline.ts";
import { presenceOnline } from "./presence-online.ts";
import { presenceUpdate } from "./presence-update.ts";

/** Who is online where. */
export const presenceEvents = [
  presenceOnline,
  presenceOffline,
  presenceUpdate,
  presenceGetOnline,
] as const;
