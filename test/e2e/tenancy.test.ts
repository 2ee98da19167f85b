import { afterAll, beforeAll, expect, test } from "vitest";
import { events } from "../support/contract.ts";
import { expectNoEvents, newOrg, type Person, people, person } from "../support/people.ts";
import { publish } from "../support/publishing.ts";
import { settled } from "../support/running.ts";
import { lobby, SAMPLES, shopAt } from "../support/samples.ts";
import { emptyUpstream, type Upstream } from "../support/upstream.ts";

let backEnd: Upstream;
beforeAll(async () => {
  backEnd = await emptyUpstream();
});
afterAll(() => backEnd.stop());

const withProject = (payload: object, projectId: string) =>
  "projectId" in payload ? { ...payload, projectId } : payload;

/** Registers the shop, and joins a user to every kind of room of a project. */
async function everywhere(someone: Person, projectId: string): Promise<void> {
  const integration = { ...shopAt(backEnd.url), projectId };
  await publish({ event: "integration:put", org: someone.org, integration });
  const joining = SAMPLES.filter(({ event }) => /subscribe|join|online$|login/.test(event));
  for (const { event, payload = {} } of joining)
    if (!event.includes("unsubscribe")) await someone.emit(event, withProject(payload, projectId));
  await someone.emit("custom:join", { room: "lobby" });
  await settled();
  await someone.clearReceived();
}

test("there is a sample of every event", () => {
  expect(SAMPLES.map(({ event }) => event).toSorted()).toEqual([...events.keys()].toSorted());
});

test("whatever a client does, another organisation with the same names receives nothing", async () => {
  const { ann } = await people("ann");
  const { ann: herTwin, ben } = await people("ann", "ben");
  for (const someone of [ann, herTwin, ben]) await everywhere(someone, "p1");
  await herTwin.clearReceived();

  for (const { event, payload } of SAMPLES) await ann.emit(event, payload);

  await expectNoEvents(herTwin, ben);
});

test("whatever a client does in a project, users of only another project receive nothing", async () => {
  const org = newOrg();
  const ann = await person({ org });
  const eve = await person({ org, sub: "eve", projects: ["p2"] });
  await everywhere(ann, "p1");
  await everywhere(eve, "p2");
  const organisationWide = /^(custom:(join|leave|message)|wallet:)/;

  for (const { event, payload } of SAMPLES)
    if (!organisationWide.test(event)) await ann.emit(event, payload);

  await expectNoEvents(eve);
});

test("a project that the token does not grant is forbidden to every event that names one", async () => {
  const org = newOrg();
  const ann = await person({ org });
  const ben = await person({ org, sub: "ben", projects: ["p9"] });
  await everywhere(ben, "p9");
  const naming = SAMPLES.filter(({ payload }) => payload !== undefined && "projectId" in payload);

  for (const { event, payload = {} } of naming)
    expect(await ann.emit(event, withProject(payload, "p9")), event).toMatchObject({
      error: { code: "forbidden" },
    });

  expect(await ben.receivesNothing()).toBe(true);
});

test("an invalid payload is refused by every event, and none fails", async () => {
  const { ann } = await people("ann");
  const polluting = JSON.parse('{"__proto__":{"projectId":"p1"},"constructor":1}');
  const wrong = [7, true, [], [[]], { projectId: {} }, { chatId: ["x"] }, polluting];

  for (const { event, payload } of SAMPLES)
    for (const invalid of wrong) {
      const answer = (await ann.emit(event, invalid)) as { error?: { code: string } };
      const mayPass = payload === undefined || event === "presence:online";
      expect(
        mayPass ? ["invalid_payload", undefined] : ["invalid_payload"],
        `${event} ${JSON.stringify(invalid)}`,
      ).toContain(answer.error?.code);
    }
});

test("two tabs of one user are two sockets: each receives the other's events in their rooms", async () => {
  const org = newOrg();
  const [one, two] = [await person({ org }), await person({ org })];
  for (const tab of [one, two]) {
    await tab.emit("chat:join", lobby);
    await tab.emit("subscribe:project", "p1");
  }
  await settled();
  for (const tab of [one, two]) await tab.clearReceived();

  await one.emit("custom:typing", { projectId: "p1", isTyping: true });
  await one.emit("chat:typing:start", lobby);
  await one.emit("custom:message", { targetUserId: "ann", message: "me" });

  expect(await two.nextEvent("custom:typing")).toMatchObject({ userId: "ann" });
  expect(await two.nextEvent("user:typing:start")).toMatchObject({ userId: "ann" });
  for (const tab of [one, two]) await tab.nextEvent("custom:message");
  await expectNoEvents(one, two);
});
