import { expectTypeOf, test } from "vitest";
import * as z from "zod/mini";
import {
  type AppTypes,
  defineApp,
  defineNamespace,
  definePublication,
} from "../../lambdas/server/index.ts";

interface Desk extends AppTypes {
  readonly Emits: { readonly answered: readonly [count: number] };
  readonly Data: { readonly name: string };
}
interface Game extends AppTypes {
  readonly Emits: { readonly moved: readonly [to: string] };
  readonly Data: { readonly points: number };
}

// Only the compiler reads what handlers do (`npm run types`): they never run.

test("the namespaces of one application have types of their own", () => {
  const desk = defineNamespace<Desk>({
    authenticate: () => ({ data: { name: "ann" } }),
    use: [({ data }, next) => (data.name === "" ? next(new Error("no name")) : next())],
    on: { ask: (socket) => socket.emit("answered", 1) },
  });
  const app = defineApp({
    namespaces: {
      "/": desk,
      "/game": defineNamespace<Game>({
        authenticate: () => ({ data: { points: 0 } }),
        on: {
          // @ts-expect-error: the other namespace's
          ask: (socket) => socket.emit("answered", 1),
          move: (socket) => socket.emit("moved", "a1"),
        },
        onDisconnect: async ({ data }) => void expectTypeOf(data.points).toBeNumber(),
      }),
    },
  });

  // @ts-expect-error: it says nothing of who is behind a socket
  defineApp({ namespaces: { "/": {} } });
  return app;
});

test("a publication without types emits any event", () =>
  void definePublication({
    names: ["news"],
    entry: () => z.object({ text: z.string() }),
    async handle({ io, entry: { text } }) {
      io.emit("news", text);
      io.to("garden").emit("news", text, 1);
    },
  }));
