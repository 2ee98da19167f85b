import { app } from "#mudbase/socket-app.ts";
import { withAdmin } from "#server/admin.ts";
import { pollingHandler } from "#server/functions/polling.ts";

export const handler = await pollingHandler(withAdmin(app));
