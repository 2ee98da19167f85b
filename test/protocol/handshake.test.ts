import { describe, expect, test } from "vitest";
import { admitsOrigin, subprotocolOf } from "../../lambdas/server/engine/handshake.ts";

describe("[EIO11] the subprotocol", () => {
  test.each([
    ["chat, superchat", "chat"],
    ["  v1.chat", "v1.chat"],
    ['"\r\nX-Forged: 1', undefined],
    [",chat", undefined],
    ["", undefined],
  ])("offered as %j is %j", (offered, first) => {
    expect(subprotocolOf({ "Sec-WebSocket-Protocol": offered })).toBe(first);
    expect(subprotocolOf({ "sec-websocket-protocol": offered })).toBe(first);
  });

  test("is none if none is offered", () => {
    expect(subprotocolOf({})).toBeUndefined();
  });
});

describe("[EIO10] with allowed origins", () => {
  const host = "abc.execute-api.eu-west-1.amazonaws.com";
  const admits = (headers: Record<string, string>) =>
    admitsOrigin(["https://app.example.org"], headers);

  test.each([
    `https://${host}`,
    `wss://${host}`,
    `https://${host}:443`,
    `https://${host.toUpperCase()}`,
  ])("%s, the server's own address, may connect", (Origin) => {
    expect(admits({ Origin, Host: host })).toBe(true);
  });

  test.each([
    [{ Origin: "https://evil.example", Host: host }],
    [{ Origin: `https://${host}.evil.example`, Host: host }],
    [{ Origin: `https://${host}:8443`, Host: host }],
    [{ Origin: "null", Host: host }],
    [{ Origin: `https://${host}` }],
  ])("%j may not", (headers) => {
    expect(admits(headers)).toBe(false);
  });
});
