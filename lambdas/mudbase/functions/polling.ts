import { app } from "#mudbase/socket-app.ts";
import { pollingHandler } from "#server/functions/polling.ts";

export const handler = await pollingHandler(app);
