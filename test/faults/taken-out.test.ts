import { afterAll, beforeEach, describe, expect, inject, test } from "vitest";
import { defineApp, defineNamespace, everybody } from "../../lambdas/server/app.ts";
import { recovering } from "./recovering.ts";
import { createWorld } from "./world.ts";

/** Its sockets are taken out of a room between two events of one handler. */
const app = defineApp({
  namespaces: {
    "/": defineNamespace({
      authenticate: everybody,
      on: {
        join: (socket, ...rooms: string[]) => socket.join(rooms),
        close({ nsp }) {
          nsp.to("hall").emit("closing");
          nsp.in("hall").socketsLeave("hall");
          nsp.to("hall").emit("closed");
          nsp.to(["hall", "garden"]).emit("moved");
          nsp.to("garden").except("hall").emit("alone");
        },
      },
    }),
  },
});

describe.each([
  ["of which one function takes care", 100],
  ["of which several functions take care", 2],
])("who is taken out of a room %s,", async (_, fanOutPage) => {
  const world = await createWorld(inject("assembly"), { fanOutPage }, {}, app);
  afterAll(() => world.stop());
  const { connected, comeBack, events } = recovering(world);

  let [ann, ben, cal]: string[] = [];
  beforeEach(async () => {
    await world.clearTable();
    [ann = "", ben = "", cal = ""] = await Promise.all(
      ["ann", "ben", "cal"].map((user) => world.connect(user, "acme")),
    );
    await world.send(ann, '42["join","hall"]');
    await world.send(ben, '42["join","hall","garden"]');
    for (const user of ["dan", "eve", "fay"])
      await world.send(await world.connect(user, "acme"), '42["join","hall"]');
  });
  const heard = (connectionId = "") => events(connectionId).map(([name]) => name);

  test("hears nothing that the handler sends to it after that", async () => {
    await world.send(cal ?? "", '42["close"]');

    expect(heard(ann)).toEqual(["closing"]);
    expect(heard(ben)).toEqual(["closing", "moved", "alone"]);
  });

  test("is replayed nothing of that either", async () => {
    const away = [ann, ben].map((connectionId = "") => ({
      connectionId,
      ...connected(connectionId),
    }));
    for (const { connectionId } of away) await world.disconnect(connectionId);

    await world.send(cal ?? "", '42["close"]');

    const [first, second] = await Promise.all(
      away.map(({ connectionId, pid }, n) =>
        comeBack(["ann", "ben"][n] ?? "", "acme", connectionId, pid),
      ),
    );
    expect(heard(first)).toEqual(["closing"]);
    expect(heard(second)).toEqual(["closing", "moved", "alone"]);
  });
});
