import { app } from "#mudbase/socket-app.ts";
import { withAdmin } from "#server/admin.ts";
import { socketHandler } from "#server/functions/socket.ts";

export const handler = socketHandler(withAdmin(app));
