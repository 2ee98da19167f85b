import { DeleteCommand } from "@aws-sdk/lib-dynamodb";
import { describe, expect, test } from "vitest";
import { signToken } from "../../client/token.ts";
import {
  client,
  connected,
  isoTime,
  newOrg,
  person,
  receiving,
  tokenFor,
} from "../support/people.ts";
import { publish } from "../support/publishing.ts";
import { connectionItems, SECRET, settled, stack } from "../support/running.ts";
import { TableName, table } from "../support/table.ts";
import { until } from "../support/until.ts";

const REACHED = "Realtime connection limit reached for your plan.";

async function limited(connections: number): Promise<string> {
  const org = newOrg();
  await publish({ event: "limit:put", org, connections });
  return org;
}

/** The event `error` of a client, and the reason of its disconnect. */
async function outcome(org: string, sub: string): Promise<object> {
  const socket = client({ auth: { token: await tokenFor({ org, sub }) } });
  return new Promise((resolve) => {
    let error: unknown;
    socket.on("error", (payload) => (error = payload));
    socket.on("disconnect", (reason) => resolve({ error, reason }));
    socket.on("connect", () =>
      // A client that is accepted is answered.
      socket.emit("presence:update", () => resolve({ connected: true })),
    );
  });
}

describe("the connection limit of an organisation", () => {
  test("[SIO16] notifies a socket above the limit, and disconnects only that socket", async () => {
    const org = await limited(2);
    const ann = await person({ org });
    await person({ org, sub: "ben" });

    expect(await outcome(org, "eve")).toEqual({
      error: { message: REACHED, limit: 2 },
      reason: "io server disconnect",
    });
    expect(await ann.receivesNothing()).toBe(true);
    expect((await outcome(newOrg(), "eve")) as object).toEqual({ connected: true });
  });

  test("is exact, however many connect at once", async () => {
    const org = await limited(3);

    const all = await Promise.all(Array.from({ length: 12 }, (_, n) => outcome(org, `user-${n}`)));

    expect(all.filter((one) => "connected" in one)).toHaveLength(3);
  });

  test("has a free slot again when a socket disconnects", async () => {
    const org = await limited(1);
    const ann = await person({ org });
    ann.socket.disconnect();
    await until(async () => (await connectionItems()).length === 0);

    expect(await outcome(org, "ben")).toEqual({ connected: true });
  });

  test("acquires the slot of a connection that is gone", async () => {
    const org = await limited(1);
    const ann = await person({ org });
    for (const { pk, sk } of await connectionItems()) {
      const [kind, id] = String(pk).split("#");
      // The function died, and TTL has deleted the connection and its session since.
      if (kind === "conn") stack.gateway.drop(String(id));
      if (kind === "conn" || kind === "sess")
        await table.send(new DeleteCommand({ TableName, Key: { pk, sk } }));
    }

    expect(await outcome(org, "ben")).toEqual({ connected: true });
    // The stale member is deleted by the first packet that finds the connection gone.
    await publish({ event: "emit", org: ann.org, to: [{ kind: "org" }], name: "news" });
    await publish({
      event: "emit",
      org: ann.org,
      to: [{ kind: "user", userId: "ann" }],
      name: "news",
    });
    await settled();
  });

  test("can be removed", async () => {
    const org = await limited(1);
    await person({ org });
    await publish({ event: "limit:put", org, connections: 0 });

    expect(await outcome(org, "ben")).toEqual({ connected: true });
  });
});

test("[SIO17] an expired token disconnects the socket at its next event", async () => {
  const org = newOrg();
  const token = await signToken({ sub: "ann", org, projects: ["p1"] }, SECRET, "1m");
  const ann = receiving(org, await connected(client({ auth: { token } })));
  const gone = new Promise((resolve) => ann.socket.once("disconnect", resolve));

  await stack.advance(60_000);
  ann.emitWithoutAck("presence:update");

  expect(await gone).toBe("io server disconnect");
  expect(await ann.nextEvent("session:expired")).toEqual({
    reason: "the token has expired",
    timestamp: isoTime,
  });
});

test("[SIO18] a client that floods is refused, and then disconnected for good", async () => {
  const ann = await person({ org: newOrg() });
  const gone = new Promise((resolve) => ann.socket.once("disconnect", resolve));

  for (let sent = 0; sent < 100; sent += 1) ann.emitWithoutAck("call:end", {});
  const answers = Array.from({ length: 10 }, () => ann.emit("call:end", {}));
  const last = await Promise.all(answers);
  // More than ten times the limit of five a second, for over ten seconds.
  for (let sent = 0; sent < 1200; sent += 1) ann.emitWithoutAck("call:end", {});

  expect(last).toContainEqual({
    error: {
      code: "rate_limited",
      message: "call:end comes too often",
      retryAfterMs: expect.any(Number),
    },
  });
  expect(await gone).toBe("io server disconnect");
});
