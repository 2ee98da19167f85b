import { createHmac } from "node:crypto";
import { Webhook } from "standardwebhooks";
import { afterAll, describe, expect, test } from "vitest";
import { whileInProgress } from "../support/in-progress.ts";
import {
  expectNoEvents,
  isoTime,
  newOrg,
  type Person,
  people,
  person,
  refusal,
} from "../support/people.ts";
import { publish } from "../support/publishing.ts";
import { logged, SECRETS, settled, stack } from "../support/running.ts";
import { upstream } from "../support/upstream.ts";

const shop = { projectId: "p1", integrationId: "shop" };
const facts = { integrationId: "shop", timestamp: isoTime };

const backEnd = await upstream(({ url, headers }, response) => {
  if (url?.startsWith("/api/quotes"))
    return void response.writeHead(200, { "content-type": "text/plain" }).end('"'.repeat(70_000));
  if (url?.startsWith("/api/broken")) return void response.writeHead(500).end("boom");
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({ url, authorization: headers.authorization?.slice(0, 6) }));
});
afterAll(() => backEnd.stop());

const definition = {
  ...shop,
  name: "Shop",
  baseUrl: `${backEnd.url}/api`,
  endpoints: {
    order: { method: "POST", path: "/orders/{id}", headers: { "X-Shop": "1" } },
    list: { method: "GET", path: "/orders" },
    broken: { method: "GET", path: "/broken" },
    quotes: { method: "GET", path: "/quotes" },
  },
  auth: { type: "bearer", secretArn: SECRETS.shop.arn },
};

/** Ann, ben and eve of an organisation with a shop, which ann and ben follow. */
async function atShop(more: object = {}): Promise<Record<"ann" | "ben" | "eve", Person>> {
  const all = await people("ann", "ben", "eve");
  await publish({
    event: "integration:put",
    org: all.ann.org,
    integration: { ...definition, ...more },
  });
  for (const someone of [all.ann, all.ben]) {
    await someone.emit("integration:join", shop);
    await someone.nextEvent("integration:joined");
  }
  return all;
}

describe("integration:join and integration:leave", () => {
  test("are acknowledged, and nobody else is notified", async () => {
    const { ann, ben, eve } = await atShop();

    const joined = { ...shop, room: "integration:shop" };
    expect(await eve.emit("integration:join", shop)).toEqual(joined);
    expect(await eve.nextEvent("integration:joined")).toEqual(joined);
    expect(await eve.emit("integration:leave", { integrationId: "shop" })).toEqual({
      integrationId: "shop",
    });
    expect(await eve.nextEvent("integration:left")).toEqual({ integrationId: "shop" });

    await expectNoEvents(ann, ben, eve);
  });

  test("a token of several projects leaves an integration without naming a project", async () => {
    const { ann, eve } = await atShop();
    const dan = await person({ org: ann.org, sub: "dan", projects: "*" });
    await dan.emit("integration:join", shop);
    await dan.nextEvent("integration:joined");

    await dan.emit("integration:leave", { integrationId: "shop" });
    await dan.nextEvent("integration:left");
    await eve.emit("integration:test", { ...shop, endpoint: "list" });

    expect(await dan.receivesNothing()).toBe(true);
  });

  test("a refusal does not repeat an invalid id, however long", async () => {
    const { ann } = await people("ann");

    ann.emitWithoutAck("integration:join", { projectId: "p1", integrationId: "x".repeat(30_000) });

    expect(await ann.nextEvent("integration:error")).toEqual({
      code: "invalid_payload",
      error: expect.stringMatching(/^integrationId: /),
    });
  });

  test.each([
    ["integration:join", {}],
    ["integration:status", {}],
    ["integration:execute", { endpoint: "list" }],
    ["integration:test", { endpoint: "list" }],
    ["integration:webhook:subscribe", {}],
  ])(
    "%s of an unknown integration, or in a project not granted, is refused",
    async (event, more) => {
      const { ann } = await people("ann");

      expect(await ann.emit(event, { ...shop, ...more })).toEqual(refusal("not_found"));
      expect(await ann.emit(event, { ...shop, projectId: "p2", ...more })).toEqual(
        refusal("forbidden"),
      );
      ann.emitWithoutAck(event, { ...shop, ...more });
      expect(await ann.nextEvent("integration:error")).toEqual({
        integrationId: "shop",
        code: "not_found",
        error: "there is no integration shop",
      });
    },
  );
});

describe("integration:execute", () => {
  const order = {
    ...shop,
    endpoint: "order",
    params: { id: "a/b c", expand: true },
    requestData: { n: 1 },
  };

  test("calls the endpoint; the caller gets the response, the followers a summary", async () => {
    const { ann, ben, eve } = await atShop();

    const answer = await ann.emit("integration:execute", order);

    const completed = {
      ...facts,
      endpoint: "order",
      result: {
        success: true,
        data: { url: "/api/orders/a%2Fb%20c?expand=true", authorization: "Bearer" },
      },
    };
    expect(answer).toEqual(completed);
    expect(await ann.nextEvent("integration:execution:completed")).toEqual(completed);
    expect(await ben.nextEvent("integration:execution:started")).toEqual({
      ...facts,
      endpoint: "order",
    });
    expect(await ben.nextEvent("integration:execution:completed")).toEqual({
      ...facts,
      endpoint: "order",
      success: true,
    });
    const usage = { calls: 1, errors: 0, lastUsed: isoTime };
    for (const someone of [ann, ben])
      expect(await someone.nextEvent("integration:usage:updated")).toEqual({
        integrationId: "shop",
        usage,
      });
    await expectNoEvents(ann, ben, eve);
    expect(backEnd.requests.at(-1)).toMatchObject({
      method: "POST",
      body: '{"n":1}',
      headers: { "x-shop": "1", authorization: `Bearer ${SECRETS.shop.value}` },
    });
  });

  test("params with half a surrogate pair are refused by their path", async () => {
    const { ann, ben } = await atShop();

    expect(await ann.emit("integration:execute", { ...order, params: { id: "\ud800" } })).toEqual(
      refusal("invalid_payload", /^params.id: /),
    );
    await expectNoEvents(ben);
  });

  test("a failing endpoint is reported to all, and counted", async () => {
    const { ann, ben } = await atShop();

    const answer = await ann.emit("integration:execute", { ...shop, endpoint: "broken" });

    const failed = { ...facts, endpoint: "broken", error: "it answered 500" };
    expect(answer).toEqual(failed);
    for (const someone of [ann, ben])
      expect(await someone.nextEvent("integration:execution:failed")).toEqual(failed);
    expect(await ann.nextEvent("integration:usage:updated")).toMatchObject({
      usage: { calls: 1, errors: 1 },
    });
  });

  test("a response too large for a packet is reported as a failure to all, and counted", async () => {
    const { ann, ben } = await atShop();

    const answer = await ann.emit("integration:execute", { ...shop, endpoint: "quotes" });

    const error = "the answer is too large to be sent on";
    const failed = { ...facts, endpoint: "quotes", error };
    expect(answer).toEqual(failed);
    for (const someone of [ann, ben]) {
      expect(await someone.nextEvent("integration:execution:failed")).toEqual(failed);
      expect(await someone.nextEvent("integration:usage:updated")).toMatchObject({
        usage: { calls: 1, errors: 1 },
      });
    }
    await ben.nextEvent("integration:execution:started");
    await expectNoEvents(ann, ben);
  });

  test.each([
    ["list", { requestData: null }],
    ["order", { requestData: null, params: { id: "1" } }],
    ["order", { params: { id: "1" } }],
  ])("%s with %j sends no body", async (endpoint, more) => {
    const { ann } = await atShop();

    expect(await ann.emit("integration:execute", { ...shop, endpoint, ...more })).toMatchObject({
      result: { success: true },
    });

    const { body, headers } = backEnd.requests.at(-1) ?? {};
    expect(body).toBe("");
    expect(headers).not.toHaveProperty("content-type");
  });

  test.each([
    [
      "data for a method without a body",
      { endpoint: "list", requestData: 0 },
      "invalid_payload",
      /^requestData: list is called with GET/,
    ],
    ["an endpoint there is not", { endpoint: "toString" }, "not_found", /no endpoint toString/],
    ["a missing path parameter", { endpoint: "order" }, "invalid_payload", /^params\.id: /],
    [
      "a climbing one",
      { endpoint: "order", params: { id: ".." } },
      "invalid_payload",
      /^params\.id: /,
    ],
    [
      "params that are not scalars",
      { endpoint: "list", params: { a: {} } },
      "invalid_payload",
      /^params\.a: /,
    ],
  ])("%s is refused before anything is called or sent", async (_, wrong, code, message) => {
    const { ann, ben } = await atShop();
    const before = backEnd.requests.length;

    expect(await ann.emit("integration:execute", { ...shop, ...wrong })).toEqual(
      refusal(code, message),
    );

    expect(await ben.receivesNothing()).toBe(true);
    expect(backEnd.requests).toHaveLength(before);
  });

  test("an inactive integration is refused", async () => {
    const { ann } = await atShop({ isActive: false });

    expect(await ann.emit("integration:execute", { ...shop, endpoint: "list" })).toEqual(
      refusal("conflict"),
    );
  });

  test("calls above its rate limit per minute are refused with the time to wait", async () => {
    const { ann } = await atShop({ rateLimit: { perMinute: 2 } });
    const execute = () => ann.emit("integration:execute", { ...shop, endpoint: "list" });

    const answers = await Promise.all([execute(), execute(), execute(), execute(), execute()]);

    const refused = answers.filter((answer) => "error" in (answer as object));
    // A new minute may begin in between, which allows two more calls.
    expect(refused.length).toBeGreaterThanOrEqual(1);
    expect(refused[0]).toMatchObject({
      error: { code: "rate_limited", retryAfterMs: expect.any(Number) },
    });
  });

  test("counts every one of many calls at once", async () => {
    const { ann } = await atShop();

    await Promise.all(
      Array.from({ length: 20 }, () =>
        ann.emit("integration:execute", { ...shop, endpoint: "list" }),
      ),
    );

    expect(await ann.emit("integration:status", shop)).toMatchObject({
      status: { usage: { calls: 20, errors: 0 } },
    });
  });

  test("no secret is stored, logged or sent", async () => {
    const { ann, ben } = await atShop();
    const received: unknown[] = [];
    for (const someone of [ann, ben]) someone.socket.onAny((...args) => received.push(args));
    logged.length = 0;

    await ann.emit("integration:execute", { ...shop, endpoint: "list" });
    await ann.emit("integration:execute", { ...shop, endpoint: "broken" });
    await ann.emit("integration:status", shop);
    await settled();

    const everything = JSON.stringify([received, logged, await stack.database.items()]);
    for (const { value } of Object.values(SECRETS)) expect(everything).not.toContain(value);
  });
});

describe("integration:test", () => {
  test("reports whether the endpoint responds, to the caller and the followers", async () => {
    const { ann, ben, eve } = await atShop();

    const answer = await ann.emit("integration:test", { ...shop, endpoint: "list" });

    const completed = {
      ...facts,
      endpoint: "list",
      result: { success: true, status: 200, durationMs: expect.any(Number) },
    };
    expect(answer).toEqual(completed);
    expect(await ann.nextEvent("integration:test:completed")).toEqual(completed);
    expect(await ben.nextEvent("integration:test:started")).toEqual({ ...facts, endpoint: "list" });
    expect(await ben.nextEvent("integration:test:completed")).toEqual(completed);
    await expectNoEvents(ann, ben, eve);
  });

  test("reports a failure", async () => {
    const { ann, ben } = await atShop();

    const failed = { ...facts, endpoint: "broken", error: "it answered 500" };
    expect(await ann.emit("integration:test", { ...shop, endpoint: "broken" })).toEqual(failed);
    for (const someone of [ann, ben])
      expect(await someone.nextEvent("integration:test:failed")).toEqual(failed);
  });
});

test("integration:status returns activity, usage and limit", async () => {
  const { ann } = await atShop({ rateLimit: { perMinute: 100 } });
  await ann.emit("integration:execute", { ...shop, endpoint: "list" });

  const answer = {
    ...facts,
    status: {
      isActive: true,
      usage: { calls: 1, errors: 0 },
      rateLimit: { perMinute: 100 },
      lastUsed: isoTime,
    },
  };
  expect(await ann.emit("integration:status", shop)).toEqual(answer);
  expect(await ann.nextEvent("integration:status:response")).toEqual(answer);
});

describe("webhooks", () => {
  const body = JSON.stringify({ type: "order.paid", timestamp: "2026-01-01", data: { n: 1 } });
  const standard = { webhook: { scheme: "standard", secretArn: SECRETS.webhook.arn } };
  const project = () => `project-${newOrg()}`;

  async function subscribed(projectId: string, more: object = standard) {
    const org = newOrg();
    const shop = { projectId, integrationId: "shop" };
    await publish({
      event: "integration:put",
      org,
      integration: { ...definition, ...shop, ...more },
    });
    const ann = await person({ org, projects: [projectId] });
    const eve = await person({ org, sub: "eve", projects: [projectId] });
    const answer = { ...shop };
    expect(await ann.emit("integration:webhook:subscribe", shop)).toEqual(answer);
    expect(await ann.nextEvent("integration:webhook:subscribed")).toEqual(answer);
    return { ann, eve, org };
  }

  const post = async (projectId: string, headers: Record<string, string>, content = body) =>
    (
      await fetch(`${stack.url}/webhooks/${projectId}/shop`, {
        method: "POST",
        headers,
        body: content,
      })
    ).status;

  function signed(id: string, at = new Date(), content = body) {
    const signature = new Webhook(SECRETS.webhook.value).sign(id, at, content);
    return {
      "webhook-id": id,
      "webhook-timestamp": `${Math.floor(at.getTime() / 1000)}`,
      "webhook-signature": signature,
    };
  }

  test("a signed delivery reaches the subscribers of its integration once", async () => {
    const projectId = project();
    const { ann, eve } = await subscribed(projectId);

    expect(await post(projectId, signed("m1"))).toBe(202);
    expect(await post(projectId, signed("m1"))).toBe(200);

    expect(await ann.nextEvent("integration:webhook:received")).toEqual({
      ...facts,
      event: "order.paid",
      data: { n: 1 },
    });
    await expectNoEvents(ann, eve);
  });

  test("unsubscribed sockets receive nothing", async () => {
    const projectId = project();
    const { ann } = await subscribed(projectId);

    const answer = { integrationId: "shop" };
    expect(await ann.emit("integration:webhook:unsubscribe", answer)).toEqual(answer);
    expect(await ann.nextEvent("integration:webhook:unsubscribed")).toEqual(answer);
    await post(projectId, signed("m1"));

    expect(await ann.receivesNothing()).toBe(true);
  });

  test.each([
    ["no signature", () => ({})],
    ["a wrong signature", () => ({ ...signed("m1"), "webhook-signature": "v1,AAAA" })],
    ["a signature of other content", () => signed("m1", new Date(), "{}")],
    ["a signature older than five minutes", () => signed("m1", new Date(Date.now() - 301_000))],
  ])("%s is refused with 401, and nobody is notified", async (_, headers) => {
    const projectId = project();
    const { ann } = await subscribed(projectId);

    expect(await post(projectId, headers())).toBe(401);

    expect(await ann.receivesNothing()).toBe(true);
  });

  test("a delivery that is too large is refused with 413, one of an unknown integration with 404", async () => {
    const projectId = project();
    await subscribed(projectId);
    const large = "x".repeat(96 * 1024 + 1);

    expect(await post(projectId, signed("m1", new Date(), large), large)).toBe(413);
    expect(await post(project(), signed("m1"))).toBe(404);
    // Longer than the maximum length of a key.
    expect(await post("x".repeat(2100), signed("m1"))).toBe(404);
  });

  const hmac = (more: object) => ({
    webhook: {
      ...{ scheme: "hmac-sha256", secretArn: SECRETS.webhook.arn, signatureHeader: "X-Signature" },
      ...more,
    },
  });
  const hex = (content: string) =>
    createHmac("sha256", SECRETS.webhook.value).update(content).digest("hex");

  test("plain HMAC in a configured header works as well, with its timestamp and id", async () => {
    const projectId = project();
    const { ann } = await subscribed(
      projectId,
      hmac({ timestampHeader: "X-Timestamp", idHeader: "X-Delivery" }),
    );
    const headers = (seconds: number, id = "d1") => ({
      "x-signature": hex(`${seconds}.${body}`),
      "x-timestamp": `${seconds}`,
      "x-delivery": id,
    });
    const now = Math.floor(Date.now() / 1000);

    expect(await post(projectId, headers(now))).toBe(202);
    expect(await post(projectId, headers(now))).toBe(200);
    // A retry of the sender, signed again.
    expect(await post(projectId, headers(now - 1))).toBe(200);
    expect(await post(projectId, headers(now - 301))).toBe(401);
    expect(await post(projectId, { ...headers(now), "x-signature": "00" })).toBe(401);
    expect(await post(projectId, headers(now - 2, "x".repeat(2100)))).toBe(400);

    expect(await ann.nextEvent("integration:webhook:received")).toMatchObject({
      event: "order.paid",
    });
    expect(await ann.receivesNothing()).toBe(true);
  });

  test.each([
    ["with a timestamp", { timestampHeader: "X-Timestamp" }],
    ["without one", {}],
  ])("a signed delivery, %s, is not accepted with another id, or without one", async (_, more) => {
    const projectId = project();
    const { ann } = await subscribed(projectId, hmac({ idHeader: "X-Delivery", ...more }));
    const time = `${Math.floor(Date.now() / 1000)}`;
    const signature = hex("timestampHeader" in more ? `${time}.${body}` : body);
    const headers = { "x-signature": signature, "x-timestamp": time };

    expect(await post(projectId, { ...headers, "x-delivery": "d1" })).toBe(202);
    expect(await post(projectId, { ...headers, "x-delivery": "d2" })).toBe(200);
    expect(await post(projectId, headers)).toBe(200);
    const respelled = `sha256=${signature.toUpperCase()}`;
    expect(await post(projectId, { ...headers, "x-signature": respelled })).toBe(200);
    await ann.nextEvent("integration:webhook:received");

    // A replay does not claim the id that it was sent with.
    const other = JSON.stringify({ type: "order.sent", data: { n: 2 } });
    const signed = hex("timestampHeader" in more ? `${time}.${other}` : other);
    const next = { ...headers, "x-signature": signed, "x-delivery": "d2" };
    expect(await post(projectId, next, other)).toBe(202);
    expect(await ann.nextEvent("integration:webhook:received")).toMatchObject({
      event: "order.sent",
    });
    expect(await ann.receivesNothing()).toBe(true);
  });

  test("a delivery in progress is answered 409 with the time to wait, and accepted if the first attempt fails", async () => {
    const projectId = project();
    const { ann, org } = await subscribed(projectId);
    const kind = `webhook ${JSON.stringify([org, projectId, "shop"])}`;

    const response = await whileInProgress(kind, "id m1", () =>
      fetch(`${stack.url}/webhooks/${projectId}/shop`, {
        ...{ method: "POST", headers: signed("m1"), body },
      }),
    );

    expect(response.status).toBe(409);
    expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(Number(response.headers.get("retry-after"))).toBeLessThanOrEqual(30);
    expect(await ann.receivesNothing()).toBe(true);
    expect(await post(projectId, signed("m1"))).toBe(202);
    await ann.nextEvent("integration:webhook:received");
  });

  test("a delivery too large for a packet is refused with 413", async () => {
    const projectId = project();
    const { ann } = await subscribed(projectId);
    const numbers = `[${Array(15_000).fill("1e20").join()}]`;

    expect(await post(projectId, signed("m1", new Date(), numbers), numbers)).toBe(413);
    expect(await ann.receivesNothing()).toBe(true);
  });

  test("the webhook URL of one organisation cannot be claimed by another", async () => {
    const projectId = project();
    const { org } = await subscribed(projectId);
    const integration = { ...definition, projectId, ...standard };

    await expect(publish({ event: "integration:put", org: newOrg(), integration })).rejects.toThrow(
      "another organisation's",
    );
    await publish({ event: "integration:put", org, integration });
  });
});

describe("the registry", () => {
  test("puts, gets, lists and removes by publishing", async () => {
    const org = newOrg();
    await publish({ event: "integration:put", org, integration: definition });

    expect(await publish({ event: "integration:get", org, ...shop })).toMatchObject({
      integration: { name: "Shop", isActive: true },
      usage: { calls: 0, errors: 0 },
    });
    expect(await publish({ event: "integration:list", org, projectId: "p1" })).toMatchObject({
      integrations: [{ integrationId: "shop" }],
    });
    await publish({ event: "integration:remove", org, ...shop });
    await expect(publish({ event: "integration:get", org, ...shop })).rejects.toThrow(
      "there is no integration p1/shop",
    );
  });

  test.each([
    [
      "a credential in plain text",
      { auth: { type: "bearer", token: "x" } },
      /^integration\.auth\.secretArn: /,
    ],
    ["no ARN", { auth: { type: "bearer", secretArn: "shop" } }, /^integration\.auth\.secretArn: /],
    [
      "a path to another host",
      { endpoints: { a: { method: "GET", path: "//evil.example" } } },
      /path/,
    ],
    [
      "a header that injects a second one",
      { endpoints: { a: { method: "GET", path: "/", headers: { a: "b\r\nc: d" } } } },
      /headers/,
    ],
    [
      "a time-out above 20 s",
      { endpoints: { a: { method: "GET", path: "/", timeoutMs: 20_001 } } },
      /timeoutMs: /,
    ],
    ["no URL", { baseUrl: "shop" }, /^integration\.baseUrl: /],
    ["a URL with credentials", { baseUrl: "https://me:pw@shop.example" }, /baseUrl: .*credentials/],
    ["plain http", { baseUrl: "http://shop.example" }, /baseUrl: must be an https URL/],
    ["another scheme", { baseUrl: "javascript:alert(1)" }, /^integration\.baseUrl: /],
    [
      "a credential in a header",
      { endpoints: { a: { method: "GET", path: "/", headers: { Authorization: "Bearer x" } } } },
      /headers/,
    ],
    [
      "another host",
      { endpoints: { a: { method: "GET", path: "/", headers: { Host: "evil.example" } } } },
      /headers/,
    ],
  ])("refuses %s", async (_, wrong, message) => {
    const integration = { ...definition, ...wrong };

    await expect(publish({ event: "integration:put", org: newOrg(), integration })).rejects.toThrow(
      message,
    );
  });
});
