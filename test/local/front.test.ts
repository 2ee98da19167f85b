import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { createFront } from "../../local/front.ts";
import type { Functions } from "../../local/functions.ts";
import { edgeOf } from "../../local/template-edge.ts";
import { createWork } from "../../local/work.ts";

const CODE = `import cf from 'cloudfront';
function handler({ request }) {
  cf.selectRequestOriginById("polling");
  request.uri = "/polling";
  return request;
}`;
const servers: { close(): void }[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** An edge before a function that answers with these statuses, one after another; gives what GETs are answered. */
async function edgeBefore(statuses: readonly number[], errorResponses: object = {}) {
  let [time, requests] = [0, 0];
  const behaviour = { TargetOriginId: "socket" };
  const DistributionConfig = {
    ...{ DefaultCacheBehavior: behaviour, ...errorResponses },
    CacheBehaviors: [{ TargetOriginId: "polling", PathPattern: "/polling" }],
    Origins: [{ Id: "polling", DomainName: "Api.execute-api" }],
  };
  const edge = edgeOf({
    Function: { Type: "AWS::CloudFront::Function", Properties: { FunctionCode: CODE } },
    Distribution: { Type: "AWS::CloudFront::Distribution", Properties: { DistributionConfig } },
  } as never);
  const answer = () => ({ ok: true, value: { statusCode: statuses[requests++] } });
  const front = createFront({
    stack: {
      edge,
      httpRoutes: [{ apiId: "Api", method: "GET", path: "/polling", functionName: "Polling" }],
    } as never,
    functions: { hold: async () => answer() } as unknown as Functions,
    work: createWork(),
    ...{ httpTimeout: 30_000, now: () => time, count: () => undefined },
  });
  const server = createServer(async (request, response) => {
    const { status } = await front(request);
    response.writeHead(status).end();
  });
  servers.push(server.listen(0, "127.0.0.1"));
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    get: async (query: string) =>
      (await fetch(`http://127.0.0.1:${port}/socket.io/?${query}`)).status,
    pass(milliseconds: number) {
      time += milliseconds;
    },
  };
}

test("the edge gives an answer with an error to all for ten seconds, as CloudFront does", async () => {
  const { get, pass } = await edgeBefore([503, 200]);

  expect([await get("a"), await get("b")]).toEqual([503, 503]);
  pass(10_000);
  expect(await get("b")).toBe(200);
});

test("the edge gives it to one alone where the distribution says so", async () => {
  const CustomErrorResponses = [{ ErrorCode: 503, ErrorCachingMinTTL: 0 }];
  const { get } = await edgeBefore([503, 200], { CustomErrorResponses });

  expect([await get("a"), await get("b")]).toEqual([503, 200]);
});
