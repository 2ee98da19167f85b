import { afterAll, expect, inject, test } from "vitest";
import type { CallInput } from "./commands.ts";
import { createWorld } from "./world.ts";

const world = await createWorld(inject("assembly"));
afterAll(() => world.stop());

const p1 = { projectId: "p1" };
const packet = (event: string, payload: object) => `421${JSON.stringify([event, payload])}`;
const answersOf = (socket: string, since: number) =>
  world
    .framesOf(socket)
    .slice(since)
    .filter((frame) => frame.startsWith("431"));

/** Ann, ben and eve in a project; eve's connection is gone, which is not detected yet. */
async function inProject(org: string) {
  const [ann, ben, eve] = await Promise.all(
    ["ann", "ben", "eve"].map((userId) => world.connect(userId, org)),
  );
  for (const socket of [ann, ben, eve])
    await world.send(String(socket), packet("subscribe:project", p1));
  world.drop(String(eve));
  return { ann: String(ann), ben: String(ben), eve: String(eve) };
}

test("an event that was posted is neither refused nor repeated if the cleanup of a gone connection fails", async () => {
  const { ann, ben, eve } = await inProject("acme");
  const [annHad, benHad] = [world.framesOf(ann).length, world.framesOf(ben).length];
  const ofEve = ({ Key }: CallInput) => String(Key?.pk).includes(eve);

  await world.failing(ofEve, () => world.send(ann, packet("custom:event", p1)));
  await world.failing(ofEve, () =>
    world.publish({ event: "emit", org: "acme", to: [{ kind: "org" }], name: "news" }),
  );

  expect(answersOf(ann, annHad)).toEqual(['431[{"ok":true}]']);
  expect(world.framesOf(ben).slice(benHad)).toEqual([
    expect.stringContaining('"custom:event"'),
    expect.stringContaining('"news"'),
  ]);
});

test("an integration is called even if a follower could not be notified of the start", async () => {
  const shop = { ...p1, integrationId: "shop" };
  const [ann, ben] = [await world.connect("ann", "other"), await world.connect("ben", "other")];
  await world.registerShop("other");
  await world.send(ben, packet("integration:join", shop));
  const call = packet("integration:test", { ...shop, endpoint: "list" });
  const had = world.framesOf(ann).length;
  await world.send(ann, call);
  const [answer] = answersOf(ann, had);
  const { calls } = await world.withFault(0, undefined, () => world.send(ann, call));

  let unposted = 0;
  for (let number = 1; number <= calls; number += 1) {
    const before = world.framesOf(ann).length;
    const { unpostedTo } = await world.withFault(number, "fails once before", () =>
      world.send(ann, call),
    );
    if (unpostedTo !== ben) continue;
    unposted += 1;
    expect(answersOf(ann, before).map(withoutTime)).toEqual([withoutTime(String(answer))]);
  }
  expect(unposted).toBeGreaterThan(0);
});

const withoutTime = (text: string): string => text.replace(/"timestamp":"[^"]+"/, "");
