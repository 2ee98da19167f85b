import { UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { describe, expect, test } from "vitest";
import { pollingId } from "../../lambdas/server/model/transport.ts";
import { newOrg, person, tokenFor } from "../support/people.ts";
import { rawClient } from "../support/raw.ts";
import { connectionItems, settled, stack } from "../support/running.ts";
import { TableName, table } from "../support/table.ts";
import type { RawClient } from "../support/websocket.ts";
import "../support/nothing-left.ts";

const QUERY = "EIO=4&transport=polling";

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: Headers;
}

async function ask(query: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(`${stack.url}/socket.io/?${query}`, init);
  const { status, headers } = response;
  return { status, headers, body: await response.text() };
}

const post = (sid: string, body: string) => ask(`${QUERY}&sid=${sid}`, { method: "POST", body });
const get = (sid: string) => ask(`${QUERY}&sid=${sid}`);
const fault = (code: number, message: string) => ({
  status: 400,
  body: JSON.stringify({ code, message }),
});

/** The Engine.IO session id of a client that has shaken hands. */
async function open(): Promise<string> {
  const { body } = await ask(QUERY);
  return (JSON.parse(body.slice(1)) as { readonly sid: string }).sid;
}

/** The same of one with a socket. */
async function connected(claims: object = {}): Promise<string> {
  const sid = await open();
  const token = await tokenFor({ org: newOrg(), ...claims });
  await post(sid, `40${JSON.stringify({ token })}`);
  expect((await get(sid)).body).toMatch(/^40\{"sid":/);
  return sid;
}

const end = (sid: string) => post(sid, "41\x1e1");

/** A WebSocket by which a client that polls has probed. */
async function probed(query: string): Promise<RawClient> {
  const link = await rawClient(query);
  link.send("2probe");
  await link.nextFrame();
  return link;
}

/** Has the heartbeat sweep every shard, as it does in turn. */
async function sweep(): Promise<void> {
  const heartbeat = stack.functions.named("Heartbeat");
  await Promise.all(
    Array.from({ length: 16 }, (_, shard) => stack.functions.invoke(heartbeat, { shard })),
  );
}

describe("as the suite of Engine.IO 4 asks over HTTP long-polling,", () => {
  test("[EIO12] a handshake opens a session", async () => {
    const { status, headers, body } = await ask(QUERY);

    expect([status, headers.get("content-type")]).toEqual([200, "text/plain; charset=UTF-8"]);
    expect(JSON.parse(body.slice(1))).toEqual({
      sid: expect.stringMatching(/^[\w-]{20}$/),
      upgrades: ["websocket"],
      pingInterval: 240_000,
      pingTimeout: 120_000,
      maxPayload: 131_072,
    });
    await post(JSON.parse(body.slice(1)).sid, "1");
  });

  test.each([
    ["EIO", "transport=polling", "GET", fault(5, "Unsupported protocol version")],
    ["EIO", "EIO=abc&transport=polling", "GET", fault(5, "Unsupported protocol version")],
    ["transport", "EIO=4", "GET", fault(0, "Transport unknown")],
    ["transport", "EIO=4&transport=abc", "GET", fault(0, "Transport unknown")],
    ["method", QUERY, "POST", fault(2, "Bad handshake method")],
    ["method", QUERY, "PUT", fault(2, "Bad handshake method")],
    ["sid", `${QUERY}&sid=abc`, "GET", fault(1, "Session ID unknown")],
    ["sid", `${QUERY}&sid=abcdefghijklmnopqrst`, "GET", fault(1, "Session ID unknown")],
    ["sid", `${QUERY}&sid=abcdefghijklmnopqrst`, "POST", fault(1, "Session ID unknown")],
  ])("[EIO12] a request with a wrong %s is refused: %s %s", async (_, query, method, refusal) => {
    const init = method === "POST" ? { method, body: "40" } : { method };

    expect(await ask(query, init)).toMatchObject(refusal);
    expect(await connectionItems()).toEqual([]);
  });

  test("[EIO13] several packets come in one payload, and their answers in another", async () => {
    const sid = await connected();

    const { status, body } = await post(
      sid,
      ['421["custom:join",{"room":"a"}]', '422["custom:join",{"room":"b"}]'].join("\x1e"),
    );

    expect([status, body]).toEqual([200, "ok"]);
    const packets = (await get(sid)).body.split("\x1e");
    expect(packets.toSorted()).toEqual([
      '42["custom:joined",{"room":"a"}]',
      '42["custom:joined",{"room":"b"}]',
      '431[{"room":"a"}]',
      '432[{"room":"b"}]',
    ]);
    await end(sid);
  });

  test("[EIO13] text and binary come in one payload", async () => {
    const sid = await connected();
    const file = '{"_placeholder":true,"num":0}';

    await post(
      sid,
      `451-1["custom:broadcast",{"projectId":"p1","event":"x","payload":${file}}]\x1ebAQID`,
    );

    expect((await get(sid)).body).toBe('431[{"ok":true}]');
    await end(sid);
  });

  test("[EIO13] an invalid packet closes the session", async () => {
    const sid = await connected();

    expect(await post(sid, "abc")).toMatchObject({ status: 400 });
    expect(await get(sid)).toMatchObject(fault(1, "Session ID unknown"));
  });

  test("[EIO13] a payload above maxPayload is refused, and one of more than 32 KB is not", async () => {
    const sid = await connected();

    expect(await post(sid, `4${"x".repeat(131_072)}`)).toMatchObject({ status: 413 });
    const image = "x".repeat(100_000);
    await post(sid, `421["custom:event",{"projectId":"p1","image":"${image}"}]`);
    expect((await get(sid)).body).toMatch(/^431\[/);
    await end(sid);
  });

  test("[EIO14] of two GETs at once the newer one gets what comes", async () => {
    const sid = await connected();

    const first = ask(`${QUERY}&sid=${sid}&t=first`);
    await expect.poll(async () => pollOf(await queueOf(sid))).toBe("first");
    const second = ask(`${QUERY}&sid=${sid}&t=second`);
    expect((await first).body).toBe("6");
    await post(sid, '421["custom:join",{"room":"a"}]');

    expect((await second).body).toContain("custom:joined");
    await end(sid);
  });

  test("[EIO14] a GET that is repeated on its way is answered the same", async () => {
    const sid = await connected();
    await post(sid, '421["presence:update"]');

    const [first, second] = [
      await ask(`${QUERY}&sid=${sid}&t=one`),
      await ask(`${QUERY}&sid=${sid}&t=one`),
    ];

    expect(first.body).toBe('431[{"ok":true}]');
    expect(second.body).toBe(first.body);
    await end(sid);
  });

  test("[EIO14] a GET that breaks off takes nothing with it", async () => {
    const sid = await connected();
    const controller = new AbortController();
    const { signal } = controller;
    const broken = ask(`${QUERY}&sid=${sid}&t=broken`, { signal }).catch(() => "broken");
    await expect.poll(async () => pollOf(await queueOf(sid))).toBe("broken");
    controller.abort();
    expect(await broken).toBe("broken");

    const next = get(sid);
    await post(sid, '421["presence:update"]');

    expect((await next).body).toBe('431[{"ok":true}]');
    await end(sid);
  });

  test("[EIO9] pings come by GETs, and a pong keeps the session", async () => {
    const sid = await connected();

    for (let round = 0; round < 2; round += 1) {
      await sweep();
      expect((await get(sid)).body).toBe("2");
      expect(await post(sid, "3")).toMatchObject({ status: 200, body: "ok" });
    }
    await end(sid);
  });

  test("[EIO9] a session without a pong for two rounds is closed", async () => {
    const sid = await connected();
    await table.send(
      new UpdateCommand({
        ...{ TableName, Key: { pk: `conn#${pollingId(sid)}`, sk: "conn" } },
        UpdateExpression: "SET lastSeenAt = :past",
        ExpressionAttributeValues: { ":past": Date.now() - 2 * 240_000 - 90_001 },
      }),
    );

    await sweep();

    expect(await get(sid)).toMatchObject({ status: 200, body: "1" });
    expect(await get(sid)).toMatchObject(fault(1, "Session ID unknown"));
  });

  test("[EIO4] a close packet closes, and releases the GET that waits", async () => {
    const sid = await connected();

    const waiting = ask(`${QUERY}&sid=${sid}&t=waiting`);
    await expect.poll(async () => pollOf(await queueOf(sid))).toBe("waiting");
    await post(sid, "1");

    expect(await waiting).toMatchObject({ status: 200, body: "6" });
    expect(await get(sid)).toMatchObject(fault(1, "Session ID unknown"));
  });

  test("[EIO16] who is disconnected is given that, and a close packet by a GET of its own", async () => {
    const org = newOrg();
    const sid = await connected({ org, sub: "ann" });
    const { socket } = await person({ org, sub: "ben" });

    await stack.functions.invoke(stack.functions.named("Publish"), {
      ...{ event: "revoke", org, target: { userId: "ann" } },
    });

    const { body } = await get(sid);
    expect(body.split("\x1e").at(-1)).toBe("41");
    expect(await get(sid)).toMatchObject({ status: 200, body: "1" });
    expect(await get(sid)).toMatchObject(fault(1, "Session ID unknown"));
    socket.disconnect();
  });
});

const queueOf = async (sid: string) =>
  (await stack.database.items()).find(
    ({ pk, sk }) => pk === `conn#${pollingId(sid)}` && sk === "queue",
  );

const pollOf = (queue: Readonly<Record<string, unknown>> | undefined) => queue?.sentTo;

describe("as the suite of Engine.IO 4 asks of an upgrade,", () => {
  test("[EIO15] a WebSocket probes and takes over, a GET that waits is released, and requests are refused", async () => {
    const sid = await connected();
    const waiting = get(sid);
    const link = await rawClient(`EIO=4&transport=websocket&sid=${sid}`);

    link.send("2probe");
    expect(await link.nextFrame()).toBe("3probe");
    expect((await waiting).body).toBe("6");
    link.send("5");
    await settled();
    link.send('421["presence:update"]');

    expect(await link.nextFrame()).toBe('431[{"ok":true}]');
    expect(await get(sid)).toMatchObject(fault(3, "Bad request"));
    expect(await post(sid, "3")).toMatchObject(fault(3, "Bad request"));
    link.close(1000, "");
  });

  test("[EIO15] a second WebSocket is refused after the upgrade, and the first one stays", async () => {
    const sid = await connected();
    const query = `EIO=4&transport=websocket&sid=${sid}`;
    const link = await probed(query);
    link.send("5");
    link.send('421["presence:update"]');
    // An answer comes by the WebSocket once that has taken over.
    expect(await link.nextFrame()).toBe('431[{"ok":true}]');

    await expect(rawClient(query)).rejects.toThrow("400");
    link.send('422["presence:update"]');
    expect(await link.nextFrame()).toBe('432[{"ok":true}]');
    link.close(1000, "");
  });

  test("[EIO15] a second probe closes its own WebSocket", async () => {
    const sid = await connected();
    const query = `EIO=4&transport=websocket&sid=${sid}`;
    const [second, first] = [await rawClient(query), await probed(query)];

    second.send("2probe");

    expect(await second.closed).toBeGreaterThan(0);
    first.send("5");
    await settled();
    first.send('421["presence:update"]');
    expect(await first.nextFrame()).toBe('431[{"ok":true}]');
    first.close(1000, "");
  });

  test("[EIO15] a WebSocket that comes after another has probed is refused", async () => {
    const sid = await connected();
    const query = `EIO=4&transport=websocket&sid=${sid}`;
    await probed(query);

    await expect(rawClient(query)).rejects.toThrow("400");
    await end(sid);
  });

  test("[EIO15] where the WebSocket closes before it has taken over, polling goes on", async () => {
    const sid = await connected();
    const link = await probed(`EIO=4&transport=websocket&sid=${sid}`);
    link.close(1000, "");
    await link.closed;
    await settled();

    await post(sid, '421["presence:update"]');

    expect((await get(sid)).body).toBe('431[{"ok":true}]');
    await end(sid);
  });

  test("[EIO6] who has not begun with polling has nothing to upgrade", async () => {
    const client = await rawClient("EIO=4&transport=websocket");
    await client.nextFrame();

    client.send("2probe");

    expect(await client.closed).toBeGreaterThan(0);
  });
});

describe("a page of another origin", () => {
  const origin = "https://app.example";

  test("[EIO17] may read the answers, with credentials", async () => {
    const { headers, body } = await ask(QUERY, { headers: { origin } });

    expect(headers.get("access-control-allow-origin")).toBe(origin);
    expect(headers.get("access-control-allow-credentials")).toBe("true");
    expect(headers.get("vary")).toBe("Origin");
    await post(JSON.parse(body.slice(1)).sid, "1");
  });

  test("[EIO17] may send headers of its own", async () => {
    const { status, headers } = await ask(QUERY, {
      method: "OPTIONS",
      headers: {
        ...{ origin, "access-control-request-method": "GET" },
        "access-control-request-headers": "authorization,x-mine",
      },
    });

    expect(status).toBe(204);
    expect(headers.get("access-control-allow-origin")).toBe(origin);
    expect(headers.get("access-control-allow-headers")).toBe("authorization,x-mine");
  });

  test("[EIO17] may read why a request is refused", async () => {
    const { headers } = await ask(`${QUERY}&sid=abc`, { headers: { origin } });

    expect(headers.get("access-control-allow-origin")).toBe(origin);
  });
});
