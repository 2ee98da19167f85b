import { decodeJwt } from "jose";
import { describe, expect, test } from "vitest";
import { ORG, PROJECT, ROWS, USERS } from "../../client/demo/scene.ts";
import { client, connected, newOrg, person, receiving } from "../support/people.ts";
import { stack } from "../support/running.ts";

const ask = (path: string, method = "GET") => fetch(`${stack.url}${path}`, { method });

async function tokenIn(answer: Response): Promise<string> {
  const { token } = (await answer.json()) as { readonly token: string };
  return token;
}

/** A user of the demo page. */
async function visitor(name: (typeof USERS)[number]) {
  const token = await tokenIn(await ask(`/demo/token?user=${name}`));
  return receiving(ORG, await connected(client({ auth: { token } })));
}

describe("the back end of the demo page", () => {
  test("serves the page and its script, whose policy allows no other scripts and no other hosts", async () => {
    const page = await ask("/");
    const script = await ask("/demo/page.js");

    expect(await page.text()).toContain('<script type="module" src="/demo/page.js">');
    expect(page.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(script.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
    for (const { headers } of [page, script])
      expect(headers.get("content-security-policy")).toMatch(
        /^default-src 'none'; script-src 'self';/,
      );
  });

  test.each(USERS)("issues %s a token of the demo's organisation and project", async (name) => {
    const answer = await ask(`/demo/token?user=${name}`);
    const claims = decodeJwt(await tokenIn(answer));

    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(claims).toMatchObject({ sub: name, org: ORG, projects: [PROJECT.projectId] });
  });

  test.each(["/demo/token", "/demo/token?user=mallory", "/demo/token?user=Ann"])(
    "issues no other token: %s",
    async (path) => {
      const answer = await ask(path);

      expect(answer.status).toBe(400);
      expect(await answer.json()).toEqual({ error: "user: must be one of ann, ben" });
    },
  );

  test("publishes a row to those who follow the demo's table, and to no other organisation", async () => {
    const ann = await visitor("ann");
    const stranger = await person({ org: newOrg(), projects: [PROJECT.projectId] });
    for (const one of [ann, stranger]) await one.emit("subscribe:collection", ROWS);
    await stranger.clearReceived();

    expect((await ask("/demo/rows", "POST")).status).toBe(200);

    expect(await ann.nextEvent("db:create")).toMatchObject({
      ...ROWS,
      data: { title: expect.stringMatching(/^Inserted at \d\d:\d\d:\d\d UTC$/) },
    });
    expect(await stranger.receivesNothing()).toBe(true);
  });

  test.each([
    ["GET", "/demo/rows"],
    ["POST", "/demo/token"],
    ["GET", "/demo/back-end.ts"],
  ])("serves no other route: %s %s", async (method, path) => {
    expect((await ask(path, method)).status).toBe(404);
  });
});
