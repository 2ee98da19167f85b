import { afterAll, beforeEach, expect, inject, test } from "vitest";
import * as z from "zod/mini";
import {
  defineApp,
  defineEvent,
  defineNamespace,
  EventError,
  everybody,
} from "../../lambdas/server/app.ts";
import type { CallInput } from "./commands.ts";
import { createWorld } from "./world.ts";

let work: () => Promise<unknown> = async () => undefined;
let isThrowing = false;
/** How often the other work of the handler was done. */
let others = 0;

/** Who enters is announced to all in the hall, who leave it, once the test's work is done. */
const app = defineApp({
  namespaces: {
    "/": defineNamespace({
      authenticate: everybody,
      on: { join: (socket, room: string) => socket.join(room) },
      events: [
        defineEvent({
          name: "enter",
          payload: () => z.nullish(z.object({})),
          access: () => ({}),
          async handle({ io, beforeSend }) {
            beforeSend(work);
            beforeSend(async () => {
              others += 1;
            });
            io.to("hall").emit("entered");
            io.in("hall").socketsLeave("hall");
            if (isThrowing) throw new EventError("conflict", "it is closed");
          },
        }),
      ],
    }),
  },
});

const world = await createWorld(inject("assembly"), {}, {}, app);
afterAll(() => world.stop());

let [caller, other]: string[] = [];
beforeEach(async () => {
  await world.clearTable();
  isThrowing = false;
  others = 0;
  [caller, other] = [await world.connect("ann", "acme"), await world.connect("ben", "acme")];
  await world.send(other ?? "", '42["join","hall"]');
});

const received = (connectionId = "") =>
  world.framesOf(connectionId).filter((frame) => /^4[23]/.test(frame));

/** Whether somebody has left the hall, and whether its log has anything. */
const stored = async () => {
  const items = await world.items();
  return {
    hasLeft: items.some(
      ({ pk, released }) => /^room#.*#hall$/.test(String(pk)) && released === true,
    ),
    isLogged: items.some(({ pk }) => /^log#.*#hall$/.test(String(pk))),
  };
};

test("what a handler sends leaves when the work that it names is done", async () => {
  work = async () => undefined;

  await world.send(caller ?? "", '427["enter"]');

  expect(received(caller)).toEqual(['437[{"ok":true}]']);
  expect(received(other)).toEqual([expect.stringContaining('42["entered"')]);
  expect(await stored()).toEqual({ hasLeft: true, isLogged: true });
  expect(others).toBe(1);
});

test.each([
  [new EventError("forbidden", "not you"), "forbidden", "not you"],
  [new Error("throttled"), "internal", "enter failed"],
])(
  "where that fails with %s nobody receives or leaves anything, and the caller is told",
  async (error, code, message) => {
    work = () => Promise.reject(error);

    await world.send(caller ?? "", '427["enter"]');

    expect(received(caller)).toEqual([`437${JSON.stringify([{ error: { code, message } }])}`]);
    expect(received(other)).toEqual([]);
    expect(await stored()).toEqual({ hasLeft: false, isLogged: false });
  },
);

test("it is not done where the handler fails, and once where its event can be logged nowhere, or nobody can be found", async () => {
  let [begun, done] = [0, 0];
  work = async () => {
    begun += 1;
    await world.items();
    done += 1;
  };
  isThrowing = true;
  await world.send(caller ?? "", '427["enter"]');
  expect(begun).toBe(0);

  isThrowing = false;
  const isLogging = ({ RequestItems }: CallInput) =>
    /log#.*#hall/.test(JSON.stringify(RequestItems ?? ""));
  const isReading = ({ ExpressionAttributeValues }: CallInput) =>
    Object.values(ExpressionAttributeValues ?? {}).some((value) =>
      /^room#.*#hall$/.test(String(value)),
    );
  for (const [index, isFailing] of [isLogging, isReading].entries()) {
    await world.failing(isFailing, () => world.send(caller ?? "", '428["enter"]'));
    expect([begun, done]).toEqual([index + 1, index + 1]);
  }
  expect(received(caller)).toEqual([
    expect.stringContaining("conflict"),
    expect.stringContaining("internal"),
    expect.stringContaining("internal"),
  ]);
});
