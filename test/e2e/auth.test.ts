import { describe, expect, test } from "vitest";
import { expectNoEvents, isoTime, newOrg, people, person, refusal } from "../support/people.ts";

const p1 = { projectId: "p1" };

describe("auth:login and auth:logout", () => {
  test("join and leave the project, and the others in it are notified", async () => {
    const { ann, ben, eve } = await people("ann", "ben", "eve");
    await ben.emit("auth:login", p1);

    expect(await ann.emit("auth:login", p1)).toEqual({ ok: true });
    const news = { userId: "ann", projectId: "p1", timestamp: isoTime };
    expect(await ben.nextEvent("user:online")).toEqual(news);
    await ben.emit("custom:event", { ...p1, n: 1 });
    expect(await ann.nextEvent("custom:event")).toMatchObject({ n: 1 });

    expect(await ann.emit("auth:logout", p1)).toEqual({ ok: true });
    expect(await ben.nextEvent("user:offline")).toEqual(news);
    await ben.emit("custom:event", { ...p1, n: 2 });
    await expectNoEvents(ann, ben, eve);
  });

  test.each(["auth:login", "auth:logout"])(
    "%s of a project not granted is forbidden",
    async (event) => {
      const org = newOrg();
      const ann = await person({ org });
      const ben = await person({ org, sub: "ben", projects: ["p2"] });
      await ben.emit("auth:login", { projectId: "p2" });

      expect(await ann.emit(event, { projectId: "p2" })).toEqual(refusal("forbidden"));
      expect(await ann.emit(event, {})).toEqual(refusal("invalid_payload", /^projectId: /));

      expect(await ben.receivesNothing()).toBe(true);
    },
  );
});

describe("auth:session:update", () => {
  test("reaches the user's other sockets with whatever it holds, and nobody else", async () => {
    const { ann, ben } = await people("ann", "ben");
    const tab = await person({ org: ann.org });
    const elsewhere = await person({ org: ann.org, projects: ["p2"] });
    const { ann: stranger } = await people("ann");
    const sessionData = { theme: "dark", nested: [{ a: 1 }] };

    expect(await ann.emit("auth:session:update", { ...p1, sessionData })).toEqual({ ok: true });

    expect(await tab.nextEvent("session:updated")).toEqual({
      ...p1,
      sessionData,
      timestamp: isoTime,
    });
    await expectNoEvents(ann, tab, ben, elsewhere, stranger);
  });

  test("of a project not granted is forbidden", async () => {
    const { ann } = await people("ann");

    expect(await ann.emit("auth:session:update", { projectId: "p2", sessionData: {} })).toEqual(
      refusal("forbidden"),
    );
  });
});
