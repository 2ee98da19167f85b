import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createHttpClient, type HttpRequest } from "../../lambdas/mudbase/http/guarded.ts";
import { type Upstream, upstream } from "../support/upstream.ts";

let running: Upstream | undefined;
afterEach(() => {
  running?.stop();
  running = undefined;
});

const start = async (answer: Parameters<typeof upstream>[0]) => {
  running = await upstream(answer);
  return running.url;
};
const local = createHttpClient({
  resolve: async () => ["127.0.0.1"],
  allowsLocalhost: true,
  clock: () => performance.now(),
});
const request = (url: string, more: Partial<HttpRequest> = {}): HttpRequest => ({
  method: "GET",
  url: new URL(url),
  headers: {},
  timeoutMs: 5000,
  ...more,
});
const json = { "content-type": "application/json" };

describe("an answer", () => {
  test("in JSON is parsed, with its status and how long it took", async () => {
    const url = await start((_, response) => response.writeHead(201, json).end('{"a":[1]}'));

    expect(await local(request(url))).toEqual({
      ok: true,
      status: 201,
      data: { a: [1] },
      durationMs: expect.any(Number),
    });
  });

  test.each([
    ["application/problem+json", '{"a":1}', { a: 1 }],
    ["text/plain; charset=utf-8", "hello", "hello"],
    ["text/html", "<p>", "<p>"],
    ["application/octet-stream", "", null],
  ])("of %s is taken", async (type, body, data) => {
    const url = await start((_, response) =>
      response.writeHead(200, { "content-type": type }).end(body),
    );

    expect(await local(request(url))).toMatchObject({ ok: true, data });
  });

  test.each([
    ["neither JSON nor text", 200, { "content-type": "image/png" }, "x", /neither JSON nor text/],
    ["broken JSON", 200, json, "{", /not JSON/],
    ["too deep", 200, json, "[".repeat(40_000) + "]".repeat(40_000), /more than 100 levels deep/],
    ["a redirect", 302, { location: "http://127.0.0.1/" }, "", /302: redirects are not followed/],
    ["an error", 503, json, "{}", /answered 503/],
    ["larger than 96 KiB", 200, json, `"${"x".repeat(96 * 1024)}"`, /larger than 96 KiB/],
  ])("that is %s is a failure", async (_, status, headers, body, error) => {
    const url = await start((__, response) => response.writeHead(status, headers).end(body));

    expect(await local(request(url))).toMatchObject({
      ok: false,
      error: expect.stringMatching(error),
    });
    expect(running?.requests).toHaveLength(1);
  });

  test("that is an error has its status beside it", async () => {
    const url = await start((_, response) => response.writeHead(401).end());

    expect(await local(request(url))).toEqual({
      ok: false,
      error: "it answered 401",
      status: 401,
    });
  });

  test("of 100 MB is given up after the first 96 KiB", async () => {
    let written = 0;
    const chunk = Buffer.alloc(64 * 1024, "x");
    const url = await start((_, response) => {
      response.writeHead(200, { "content-type": "text/plain" });
      const write = () => {
        while (written < 100 * 1024 * 1024 && !response.destroyed) {
          written += chunk.length;
          if (!response.write(chunk)) return void response.once("drain", write);
        }
        response.end();
      };
      write();
    });

    expect(await local(request(url))).toMatchObject({ ok: false, error: /larger/ });
    expect(written).toBeLessThan(50 * 1024 * 1024);
  });
});

describe("the time-out holds for all of a call:", () => {
  test.each([
    ["a host that never answers", () => undefined],
    [
      "bytes that come drop by drop",
      (_: unknown, response: import("node:http").ServerResponse) => {
        response.writeHead(200, { "content-type": "text/plain" });
        const drip = setInterval(() => response.write("x"), 10);
        response.on("close", () => clearInterval(drip));
      },
    ],
  ])("%s", async (_, answer) => {
    const url = await start(answer);

    expect(await local(request(url, { timeoutMs: 100 }))).toEqual({
      ok: false,
      error: "no answer within 100 ms",
    });
  });

  test("a name that is never resolved", async () => {
    const stuck = createHttpClient({
      resolve: () => new Promise(() => undefined),
      allowsLocalhost: false,
      clock: () => 0,
    });

    expect(await stuck(request("https://slow.example", { timeoutMs: 50 }))).toEqual({
      ok: false,
      error: "no answer within 50 ms",
    });
  });
});

describe("a request", () => {
  test("carries its headers, and its body as JSON", async () => {
    const url = await start((_, response) => response.writeHead(200, json).end("1"));

    await local(request(url, { method: "POST", headers: { "x-a": "b" }, body: { c: [1] } }));

    expect(running?.requests[0]).toMatchObject({
      method: "POST",
      headers: { "x-a": "b", "content-type": "application/json" },
      body: '{"c":[1]}',
    });
  });

  test("is refused where nothing listens, without an address in the reason", async () => {
    const url = await start(() => undefined);
    running?.stop();

    expect(await local(request(url))).toEqual({
      ok: false,
      error: "the call failed (ECONNREFUSED)",
    });
  });
});

const PRIVATE = [
  ...["127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"],
  ...["0.0.0.0", "224.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1", "240.0.0.1"],
  ...["::1", "::", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1"],
  ...[
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::a00:1",
    "2002:a00:1::",
  ],
];

describe("where a call may go", () => {
  const refused = { ok: false, error: "the host's address may not be called" };
  const resolving = (addresses: readonly string[], asked: string[] = []) =>
    createHttpClient({
      async resolve(host) {
        asked.push(host);
        return addresses;
      },
      allowsLocalhost: false,
      clock: () => 0,
    });

  test.each(PRIVATE)("not to %s, under whatever name", async (address) => {
    expect(await resolving([address])(request("https://shop.example"))).toEqual(refused);
  });

  test("not where one of several addresses is inside", async () => {
    expect(await resolving(["93.184.216.34", "10.0.0.1"])(request("https://shop.example"))).toEqual(
      refused,
    );
  });

  test.each([
    ["http://shop.example", "the URL is not https"],
    ["http://localhost", "the URL is not https"],
    ["ftp://shop.example", "the URL is not https"],
    ["https://me:secret@shop.example", "the URL holds credentials"],
  ])("not to %s", async (url, error) => {
    const asked: string[] = [];

    expect(await resolving(["93.184.216.34"], asked)(request(url))).toEqual({ ok: false, error });
    expect(asked).toEqual([]);
  });

  test("where a name has no address, that is said", async () => {
    expect(await resolving([])(request("https://shop.example"))).toEqual({
      ok: false,
      error: "the host has no address",
    });
  });

  test("only to the address that was checked, whatever the name means to others", async () => {
    // The name leads to 127.0.0.1 by itself: there the inner server listens, on the same port.
    const url = new URL(await start((_, response) => response.writeHead(200, json).end('"inner"')));
    const checked = createServer((_, response) => response.writeHead(200, json).end('"checked"'));
    await new Promise<void>((resolve) => checked.listen(Number(url.port), "127.0.0.2", resolve));
    let lookups = 0;
    const rebinding = createHttpClient({
      async resolve() {
        lookups += 1;
        return [lookups === 1 ? "127.0.0.2" : "127.0.0.1"];
      },
      allowsLocalhost: true,
      clock: () => 0,
    });

    expect(await rebinding(request(`http://localhost:${url.port}`))).toMatchObject({
      data: "checked",
    });
    expect(lookups).toBe(1);
    expect(running?.requests).toEqual([]);
    checked.close();
    checked.closeAllConnections();
  });

  describe("https", () => {
    const file = (name: string) => new URL(`../support/${name}`, import.meta.url);
    const server = createHttpsServer(
      {
        key: readFileSync(file("localhost-key.pem")),
        cert: readFileSync(file("localhost-cert.pem")),
      },
      (_, response) => response.writeHead(200, json).end('"over TLS"'),
    );
    let port = 0;
    beforeAll(async () => {
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      port = (server.address() as AddressInfo).port;
    });
    afterAll(() => {
      server.closeAllConnections();
      server.close();
    });

    async function callOnce(url: string, trusted: boolean): Promise<unknown> {
      const { stdout } = await promisify(execFile)(
        "node_modules/.bin/tsx",
        [fileURLToPath(file("call-once.ts")), url],
        {
          env: {
            PATH: process.env.PATH,
            ...(trusted && { NODE_EXTRA_CA_CERTS: fileURLToPath(file("localhost-cert.pem")) }),
          },
        },
      );
      return JSON.parse(stdout);
    }

    test("is spoken with the checked address under the host's own name", async () => {
      expect(await callOnce(`https://localhost:${port}`, true)).toMatchObject({ data: "over TLS" });
    });

    test("fails where nobody vouches for the certificate", async () => {
      expect(await callOnce(`https://localhost:${port}`, false)).toEqual({
        ok: false,
        error: "the call failed (DEPTH_ZERO_SELF_SIGNED_CERT)",
      });
    });

    test("fails where the certificate is another host's", async () => {
      expect(await callOnce(`https://127.0.0.1:${port}`, true)).toEqual({
        ok: false,
        error: "the call failed (ERR_TLS_CERT_ALTNAME_INVALID)",
      });
    });
  });
});
