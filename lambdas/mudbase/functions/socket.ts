import { app } from "#mudbase/socket-app.ts";
import { socketHandler } from "#server/functions/socket.ts";

export const handler = socketHandler(app);
