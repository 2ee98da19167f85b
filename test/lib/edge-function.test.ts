import { readFileSync } from "node:fs";
import { createServer, request as send } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createEdge, type EdgeResult } from "../../local/edge.ts";

const code = readFileSync("lib/edge-function.js", "utf8");
const edge = createEdge(code);
const results: EdgeResult[] = [];
const server = createServer((request, response) => {
  results.push(edge(request, new URL(request.url ?? "/", "http://localhost")));
  response.end();
});
beforeAll(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve)));
afterAll(() => void server.close());

/** What the edge does with a request for this path. */
async function at(path: string): Promise<EdgeResult | undefined> {
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) =>
    send({ port, path }, (answer) => answer.resume().on("end", resolve)).end(),
  );
  return results.at(-1);
}

describe("the edge", () => {
  test.each(["/socket.io/", "/socket.io"])("leads %s to the stage", async (path) => {
    expect(await at(`${path}?EIO=4&transport=websocket&token=a`)).toEqual({ path: "/live" });
  });

  test.each([
    ["/?EIO=4&transport=websocket", 404, { code: 3, message: "Bad request" }],
    ["/live?EIO=4&transport=websocket", 404, { code: 3 }],
    ["/socket.io/../live?EIO=4", 404, { code: 3 }],
    ["/socket.io/?EIO=3&transport=websocket", 400, { code: 5 }],
    ["/socket.io/?transport=websocket", 400, { code: 5, message: "Unsupported protocol version" }],
    ["/socket.io/?EIO=4", 400, { code: 0 }],
    ["/socket.io/?EIO=4&transport=polling", 400, { code: 0, hint: /websocket/ }],
  ])("refuses %s with %i, in Engine.IO's own words", async (path, status, body) => {
    const result = (await at(path)) as Extract<EdgeResult, { status: number }>;

    expect(result.status).toBe(status);
    expect(result.headers["content-type"]).toBe("application/json");
    const { hint, ...rest } = body as { hint?: RegExp };
    expect(JSON.parse(result.body)).toMatchObject(rest);
    if (hint !== undefined) expect(JSON.parse(result.body).hint).toMatch(hint);
  });

  test("keeps to CloudFront's runtime: 10 KB, no modules, timers, network or eval", () => {
    expect(Buffer.byteLength(code)).toBeLessThan(10 * 1024);
    expect(code.replaceAll(/^\/\/.*$/gm, "")).not.toMatch(
      /\b(import|require|export|fetch|setTimeout|setInterval|eval|Function)\b\s*[({]/,
    );
    expect(code).toMatch(/^function handler\(event\)/m);
  });
});
