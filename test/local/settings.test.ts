import { expect, inject, test } from "vitest";
import { startStack } from "../../local/stack.ts";
import { openWebSocket } from "../support/websocket.ts";

test("[EIO8] a deployment may announce a smaller maxPayload, and a larger frame closes", async () => {
  const stack = await startStack({
    assembly: inject("assembly"),
    port: 0,
    secret: "a secret",
    environment: { HEARTBEAT: '{"pingInterval":60000,"maxPayload":2048}' },
    log: () => undefined,
  });
  const client = await openWebSocket(
    `${stack.url.replace("http", "ws")}/live?EIO=4&transport=websocket`,
  );

  expect(JSON.parse((await client.nextFrame()).slice(1))).toMatchObject({
    pingInterval: 60_000,
    pingTimeout: 120_000,
    maxPayload: 2048,
  });
  client.send("6".padEnd(2048, " "));
  client.send("40");
  expect(await client.nextFrame()).toContain("Authentication error");
  client.send("6".padEnd(2049, " "));

  expect(await client.closed).toBe(1000);
  await stack.stop();
});

test("[EIO10] a deployment may restrict the origins of pages; clients without an origin may connect", async () => {
  const stack = await startStack({
    assembly: inject("assembly"),
    port: 0,
    secret: "a secret",
    environment: { ALLOWED_ORIGINS: '["https://app.example.org"]' },
    log: () => undefined,
  });
  const connect = (headers: Record<string, string>) =>
    openWebSocket(`${stack.url.replace("http", "ws")}/live?EIO=4&transport=websocket`, headers);

  for (const Origin of ["https://evil.example", "https://app.example.org.evil.example", "null"])
    await expect(connect({ Origin })).rejects.toThrow("403");
  expect(await stack.database.items()).toEqual([]);
  for (const headers of [{ origin: "https://app.example.org" }, {}])
    expect(await (await connect(headers)).nextFrame()).toContain('"sid"');
  // Native clients send the address that they connect to.
  const own = new URL(stack.url).host;
  for (const path of ["/live", "/socket.io/"])
    for (const Origin of [`http://${own}`, `ws://${own}`]) {
      const url = `ws://${own}${path}?EIO=4&transport=websocket`;
      expect(await (await openWebSocket(url, { Origin })).nextFrame()).toContain('"sid"');
    }

  await stack.stop();
});
