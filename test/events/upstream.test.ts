import { beforeEach, expect, test } from "vitest";
import type { HttpOutcome, HttpRequest } from "../../lambdas/mudbase/http/guarded.ts";
import { Integration } from "../../lambdas/mudbase/model/integration.ts";
import { createUpstream } from "../../lambdas/mudbase/upstream.ts";

const shop = (type: string) =>
  Integration.parse({
    ...{ projectId: "p1", integrationId: "shop", name: "Shop", baseUrl: "https://shop.example" },
    endpoints: {},
    auth: {
      ...{ type, header: "X-Key" },
      secretArn: "arn:aws:secretsmanager:us-east-1:000000000000:secret:shop",
    },
  });

let time = 0;
let taken: readonly (string | undefined)[] = [];
let rotated: string | undefined;
let status = 401;
const requests: HttpRequest[] = [];
const credentialOf = ({ headers }: HttpRequest) => headers.authorization ?? headers["x-key"];

const call = createUpstream({
  async http(request): Promise<HttpOutcome> {
    requests.push(request);
    time += 100;
    return taken.includes(credentialOf(request))
      ? { ok: true, status: 200, data: null, durationMs: 1 }
      : { ok: false, error: `it answered ${status}`, status };
  },
  secret: () => ({ read: async () => "old", refresh: async () => rotated }),
  clock: () => time,
});
const request = (method: HttpRequest["method"], timeoutMs = 1000) => ({
  ...{ method, timeoutMs, url: new URL("https://shop.example"), headers: {} },
});

beforeEach(() => {
  requests.length = 0;
  [taken, rotated, status, time] = [["Bearer new", "new"], "new", 401, 0];
});

test.each(["bearer", "header"])(
  "a call with a credential (%s) that was rotated is made again with the new one, in the time that is left",
  async (type) => {
    expect(await call(shop(type), request("POST"))).toMatchObject({ ok: true });

    expect(requests.map(({ timeoutMs }) => timeoutMs)).toEqual([1000, 900]);
  },
);

test("one that was not rotated, or has no time left, is not made again", async () => {
  rotated = undefined;
  expect(await call(shop("bearer"), request("GET"))).toMatchObject({ status: 401 });
  rotated = "new";
  expect(await call(shop("bearer"), request("GET", 100))).toMatchObject({ status: 401 });

  expect(requests).toHaveLength(2);
});

test("the new credential is tried once", async () => {
  taken = [];

  expect(await call(shop("bearer"), request("GET"))).toMatchObject({ status: 401 });

  expect(requests.map(credentialOf)).toEqual(["Bearer old", "Bearer new"]);
});

test.each([
  ["GET", 403, 2],
  ["DELETE", 403, 2],
  ["POST", 403, 1],
  ["PATCH", 403, 1],
  ["POST", 401, 2],
  ["GET", 404, 1],
  ["GET", 500, 1],
] as const)("%s answered %i is called %i times", async (method, answered, times) => {
  status = answered;

  await call(shop("bearer"), request(method));

  expect(requests).toHaveLength(times);
});
