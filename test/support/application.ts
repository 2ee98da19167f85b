import * as z from "zod/mini";
import { defineApp, defineEvent, defineNamespace, everybody } from "#server/app.ts";

/** What anyone says, everyone receives: an application in a few lines, for tests of what deploys one. */
export const app = defineApp({
  namespaces: {
    "/": defineNamespace({
      authenticate: everybody,
      events: [
        defineEvent({
          name: "say",
          payload: () => z.object({ text: z.string() }),
          access: everybody,

          async handle({ payload: { text }, io }) {
            io.emit("said", text);

            return { length: text.length };
          },
        }),
      ],
    }),
  },
});
