import { rmSync } from "node:fs";
import { afterEach, describe, expect, inject, test } from "vitest";
import { startStack } from "../../local/stack.ts";
import { readStack } from "../../local/template.ts";
import { assemblyWith, deploy, template } from "../support/deployment.ts";

const written: string[] = [];
const write = (content: unknown): string => {
  const assembly = assemblyWith(content);
  written.push(assembly);
  return assembly;
};

afterEach(() => {
  for (const assembly of written.splice(0)) rmSync(assembly, { recursive: true });
});

test("the local stack is read from the synthesised template", () => {
  const stack = readStack(inject("assembly"));

  expect([...stack.api.routes.keys()].toSorted()).toEqual(["$connect", "$default", "$disconnect"]);
  expect(stack.api.stage).toBe("live");
  expect(stack.functions).toHaveLength(7);
  expect(stack.schedules).toEqual([
    {
      functionName: expect.stringMatching(/^Heartbeat/),
      input: { scheduledTime: "<aws.scheduler.scheduled-time>" },
    },
  ]);
  expect(stack.functions[0]).toMatchObject({ handler: "index.handler", timeoutSeconds: 29 });
  expect(stack.functions[0]?.environment.TABLE_NAME).toBe(stack.tables[0]?.name);
  expect(stack.tables[0]).toMatchObject({ ttlAttribute: "expiresAt" });
  expect(stack.tables[0]?.indexes).toHaveLength(1);
  expect(stack.httpRoutes.map(({ method, path }) => `${method} ${path}`)).toEqual(
    expect.arrayContaining(["GET /polling", "POST /polling", "OPTIONS /polling"]),
  );
  expect(stack.edge).toMatchObject({
    origins: expect.objectContaining({ size: 3 }),
    methods: expect.arrayContaining(["GET", "POST", "OPTIONS"]),
    paths: ["/polling"],
  });
  expect(stack.functions.map(({ reservedConcurrency }) => reservedConcurrency)).toEqual(
    stack.functions.map(() => undefined),
  );
  expect(stack.edge.origins.get("polling")).toMatch(/^PollingEndpointApi/);
});

describe("an invalid template is refused with one sentence that names the fault", () => {
  test.each([
    ["no JSON", "{", /template\.json cannot be read as JSON/],
    ["no resources", {}, /is not a template.*Resources/s],
    ["no API", { Resources: {} }, /has no WebSocket AWS::ApiGatewayV2::Api/],
    [
      "a route without a function",
      template({ Integration: { Type: "AWS::ApiGatewayV2::Integration" } }),
      /The route Connect of the template has no function/,
    ],
    [
      "an unsupported intrinsic function",
      template({
        Stage: {
          Type: "AWS::ApiGatewayV2::Stage",
          Properties: { ApiId: { Ref: "Api" }, StageName: { "Fn::If": [] } },
        },
      }),
      /uses Fn::If/,
    ],
    ["no edge function", template({ Edge: { Type: "Other" } }), /lacks the code of a CloudFront/],
  ])("%s", (_, content, message) => {
    expect(() => readStack(write(content))).toThrow(message);
  });

  test("a folder that is not a cloud assembly", () => {
    expect(() => readStack("/nowhere")).toThrow("/nowhere/manifest.json cannot be read");
  });
});

test("a port in use is refused with one sentence that names it", async () => {
  const first = await deploy("export const handler = async () => 1;");
  const port = Number(new URL(first.stack.url).port);

  await expect(
    startStack({ assembly: write(template()), port, secret: "x", log: () => undefined }),
  ).rejects.toThrow(`Port ${port} is in use: choose another with --port.`);
  await first.stop();
});
