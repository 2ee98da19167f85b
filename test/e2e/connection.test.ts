import { randomUUID } from "node:crypto";
import { UnsecuredJWT } from "jose";
import { io } from "socket.io-client";
import { io as io31 } from "socket.io-client-3.1";
import { io as io40 } from "socket.io-client-4.0";
import { describe, expect, test } from "vitest";
import { signToken } from "../../client/token.ts";
import {
  BY_WEBSOCKET,
  client,
  connected,
  newOrg,
  person,
  receiving,
  tokenFor,
} from "../support/people.ts";
import { rawClient } from "../support/raw.ts";
import { connectionItems, logged, SECRET, stack } from "../support/running.ts";

const direct = { path: stack.stagePath, addTrailingSlash: false };
const inHour = "1h";

/** The function's response to `$connect`, for a connection that the gateway does not have. */
async function connectAnswer(headers: Readonly<Record<string, string>>, query: string) {
  const result = await stack.functions.invoke(stack.functions.named("Socket"), {
    headers,
    queryStringParameters: Object.fromEntries(new URLSearchParams(query)),
    requestContext: { eventType: "CONNECT", connectionId: randomUUID(), connectedAt: Date.now() },
  });
  return result.ok ? result.value : result.message;
}

describe.each([
  ["4.8", io],
  ["4.0", io40],
  ["3.1", io31],
])("socket.io-client %s", (_, connect) => {
  test("connects at the default path, emits with acknowledgement and receives events of others", async () => {
    const org = newOrg();
    const token = await tokenFor({ org });
    const ann = receiving(org, await connected(client({ auth: { token } }, stack.url, connect)));
    const ben = await person({ org, sub: "ben" });

    expect(await ann.emit("subscribe:project", "p1")).toEqual({ type: "project", id: "p1" });
    await ben.emit("custom:event", { projectId: "p1", n: 1 });
    expect(await ann.nextEvent("custom:event")).toMatchObject({ n: 1, sender: "ben" });
  });

  test("receives connect_error for a wrong token", async () => {
    const socket = client({ auth: { token: "wrong" } }, stack.url, connect);

    await expect(connected(socket)).rejects.toThrow(/^Authentication error$/);
  });
});

describe("the URL of a client", () => {
  test("the stage path works directly, without a trailing slash", async () => {
    const token = await tokenFor({ org: newOrg() });

    const socket = await connected(client({ ...direct, ...BY_WEBSOCKET, auth: { token } }));

    expect(await socket.emitWithAck("subscribe:project", "p1")).toMatchObject({ id: "p1" });
  });

  test("socket.id is random and not the connection id", async () => {
    const ann = await person({ org: newOrg() });

    expect(ann.socket.id).toMatch(/^[\w-]{20}$/);
    expect(stack.gateway.connectionIds()).not.toContain(ann.socket.id);
  });

  test.each([
    ["the stage path with a trailing slash", `${stack.stagePath}/`, 403],
    ["the root", "/", 403],
    ["another path under Socket.IO's", "/socket.io/other", 404],
  ])("%s is refused", async (_, path, status) => {
    await expect(rawClient("EIO=4&transport=websocket", {}, path)).rejects.toThrow(`${status}`);
  });

  test.each([
    ["EIO 3", "EIO=3&transport=websocket"],
    ["no EIO", "transport=websocket"],
    ["polling", "EIO=4&transport=polling"],
    ["no transport", "EIO=4"],
    ["nothing at all", ""],
    ["a session to upgrade", "EIO=4&transport=websocket&sid=abc"],
  ])("[EIO1] %s is refused with 400 and nothing is stored", async (_, query) => {
    await expect(rawClient(query)).rejects.toThrow("400");
    expect(await connectionItems()).toEqual([]);
  });

  test("[EIO1] a request without an upgrade passes the edge, and API Gateway refuses it", async () => {
    const response = await fetch(`${stack.url}/socket.io/?EIO=4&transport=websocket`);

    expect(response.status).toBe(403);
    expect(await connectionItems()).toEqual([]);
  });

  test("[EIO11] $connect answers with the first subprotocol offered, unless it refuses", async () => {
    const offered = { "Sec-WebSocket-Protocol": "chat, superchat" };

    expect(await connectAnswer(offered, "EIO=4&transport=websocket")).toEqual({
      statusCode: 200,
      headers: { "Sec-WebSocket-Protocol": "chat" },
    });
    expect(await connectAnswer(offered, "EIO=3&transport=websocket")).toEqual({ statusCode: 400 });
  });

  test("another namespace is invalid, and the connection stays usable", async () => {
    const token = await tokenFor({ org: newOrg() });
    const socket = client({ auth: { token } }, `${stack.url}/admin`);

    await expect(connected(socket)).rejects.toThrow(/^Invalid namespace$/);
  });
});

describe("the token is read", () => {
  test("in an Authorization header", async () => {
    const token = await tokenFor({ org: newOrg() });

    const socket = client({ extraHeaders: { Authorization: `Bearer ${token}` } });

    expect((await connected(socket)).connected).toBe(true);
  });

  test("in the query", async () => {
    const token = await tokenFor({ org: newOrg() });

    expect((await connected(client({ query: { token } }))).connected).toBe(true);
  });

  test("from auth before the header, and from the header before the query", async () => {
    const org = newOrg();
    const [ann, ben, eve] = await Promise.all(
      ["ann", "ben", "eve"].map((sub) => tokenFor({ org, sub })),
    );
    const extraHeaders = { authorization: `Bearer ${ben}` };
    const query = { token: eve };

    for (const [options, sender] of [
      [{ auth: { token: ann }, extraHeaders, query }, "ann"],
      [{ extraHeaders, query }, "ben"],
    ] as const) {
      const self = receiving(org, await connected(client(options)));
      await self.emit("custom:message", { targetUserId: sender, message: "me" });
      expect(await self.nextEvent("custom:message")).toMatchObject({ from: sender });
    }
  });

  test("and a wrong header is refused even with a valid query", async () => {
    const token = await tokenFor({ org: newOrg() });
    const socket = client({ extraHeaders: { Authorization: "Bearer wrong" }, query: { token } });

    await expect(connected(socket)).rejects.toThrow(/^Authentication error$/);
  });

  test("and no token of a handshake is ever stored", async () => {
    const token = await tokenFor({ org: newOrg() });
    await rawClient(`EIO=4&transport=websocket&token=${token}`);

    expect(JSON.stringify(await stack.database.items())).not.toContain(token);
  });
});

const claims = { sub: "ann", org: "acme", projects: ["p1"] };

describe("a token is refused", () => {
  test.each([
    ["that is missing", async () => undefined],
    ["that is no token", async () => "abc"],
    ["that is a number", async () => 5],
    ["signed with another secret", () => signToken(claims, "another secret of thirty-two chars")],
    ["that has expired", () => signToken(claims, SECRET, "-1s")],
    ["of another scope", () => signToken({ ...claims, scope: "admin" }, SECRET)],
    ["without sub", () => signToken({ ...claims, sub: "" }, SECRET)],
    ["without org", () => signToken({ ...claims, org: "" }, SECRET)],
    [
      "with projects that are not a list",
      () => signToken({ ...claims, projects: "p1" as "*" }, SECRET),
    ],
    [
      "with alg none",
      async () => new UnsecuredJWT({ ...claims, scope: "api" }).setExpirationTime(inHour).encode(),
    ],
  ])("%s", async (_, makeToken) => {
    const token = await makeToken();
    const socket = client({ auth: { token } });

    await expect(connected(socket)).rejects.toThrow(/^Authentication error$/);
    const stored = (await connectionItems()).map(({ pk }) => String(pk));
    expect(stored.filter((pk) => !pk.startsWith("conn#"))).toEqual([]);
  });

  test("and the reason is logged, without the token", async () => {
    const token = await signToken(claims, SECRET, "-1s");
    logged.length = 0;

    await expect(connected(client({ auth: { token } }))).rejects.toThrow();
    await stack.idle();

    expect(logged.join("")).toContain("ERR_JWT_EXPIRED");
    expect(logged.join("")).not.toContain(token);
  });
});

test("a token of scope api connects as well", async () => {
  const token = await signToken({ ...claims, org: newOrg(), scope: "api" }, SECRET);

  expect((await connected(client({ auth: { token } }))).connected).toBe(true);
});
