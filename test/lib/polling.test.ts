import { App, Stack } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { describe, expect, test } from "vitest";
import { SocketIoServer } from "../../lib/socket-io-server.ts";
import type { Transport } from "../../lib/transports.ts";
import { onlyIn, templateWith } from "../support/template.ts";

const template = templateWith({ requestsPerSecond: 50, allowedOrigins: "https://a.example" });
const only = onlyIn(template);
const functionsIn = (given: Template) =>
  Object.keys(given.findResources("AWS::Lambda::Function")).map((id) => id.slice(0, -8));
const edgeCode = (given: Template): string =>
  onlyIn(given)("AWS::CloudFront::Function").FunctionCode;
const distribution = (given: Template) =>
  onlyIn(given)("AWS::CloudFront::Distribution").DistributionConfig;

describe("the HTTP API of long polling", () => {
  const api = only("AWS::ApiGatewayV2::Api", "PollingEndpoint");
  const ofApi = (type: string) =>
    Object.values(template.findResources(type))
      .map(({ Properties }) => Properties)
      .filter(({ ApiId }) => ApiId.Ref === api.id);

  test("has one path with three methods, which reach the polling function", () => {
    const routes = ofApi("AWS::ApiGatewayV2::Route");
    const [integration] = ofApi("AWS::ApiGatewayV2::Integration");

    expect(routes.map(({ RouteKey }) => RouteKey).toSorted()).toEqual([
      ...["GET /polling", "OPTIONS /polling", "POST /polling"],
    ]);
    expect(new Set(routes.map(({ Target }) => JSON.stringify(Target))).size).toBe(1);
    expect(integration).toMatchObject({
      ...{ IntegrationType: "AWS_PROXY", PayloadFormatVersion: "2.0" },
      IntegrationUri: { "Fn::GetAtt": [only("AWS::Lambda::Function", "Polling").id, "Arn"] },
    });
  });

  test("leaves preflights to the function: it has no CORS configuration", () => {
    expect(api.ProtocolType).toBe("HTTP");
    expect(api.CorsConfiguration).toBeUndefined();
  });

  test("is throttled as the sockets are", () => {
    expect(ofApi("AWS::ApiGatewayV2::Stage")).toMatchObject([
      {
        ...{ StageName: "$default", AutoDeploy: true },
        DefaultRouteSettings: { ThrottlingRateLimit: 50, ThrottlingBurstLimit: 25 },
      },
    ]);
  });
});

describe("the polling function", () => {
  const variables = (id: string) => only("AWS::Lambda::Function", id).Environment.Variables;

  test("has the environment of the socket function, because it runs the same events", () => {
    expect(variables("Polling")).toEqual(variables("Socket"));
    expect(variables("Polling")).toMatchObject({
      ALLOWED_ORIGINS: '["https://a.example"]',
      LIMITS: expect.stringContaining('"pollWait":20'),
      FAN_OUT_FUNCTION: { Ref: only("AWS::Lambda::Function", "FanOut").id },
    });
  });

  test("has memory of its own", () => {
    expect(only("AWS::Lambda::Function", "Polling").MemorySize).toBe(256);
    expect(
      onlyIn(templateWith({ pollingMemory: "512", functionMemory: 1024 }))(
        "AWS::Lambda::Function",
        "Polling",
      ).MemorySize,
    ).toBe(512);
  });

  test("knows how many executions are reserved for it, if some are", () => {
    const reserving = onlyIn(templateWith({ pollingConcurrency: "20" }));
    const { ReservedConcurrentExecutions, Environment } = reserving(
      "AWS::Lambda::Function",
      "Polling",
    );

    expect(ReservedConcurrentExecutions).toBe(20);
    expect(Environment.Variables.POLLING_CONCURRENCY).toBe("20");
    expect(only("AWS::Lambda::Function", "Polling")).not.toHaveProperty(
      "ReservedConcurrentExecutions",
    );
    expect(variables("Polling")).not.toHaveProperty("POLLING_CONCURRENCY");
  });
});

describe("the edge", () => {
  const { DefaultCacheBehavior, CacheBehaviors, Origins } = distribution(template);

  test("lets its function select the HTTP API, because a behaviour uses that origin", () => {
    const api = only("AWS::ApiGatewayV2::Api", "PollingEndpoint").id;

    expect(CacheBehaviors).toMatchObject([{ PathPattern: "/polling", TargetOriginId: "polling" }]);
    expect(
      Origins.map(({ Id, DomainName }: Record<string, unknown>) => [
        Id,
        JSON.stringify(DomainName).includes(`"Ref":"${api}"`),
      ]),
    ).toEqual([
      [DefaultCacheBehavior.TargetOriginId, false],
      ["polling", true],
    ]);
    expect(edgeCode(template)).toContain('const POLLING_ORIGIN = "polling";');
    expect(edgeCode(template)).toContain('const TRANSPORTS = ["polling","websocket"];');
  });

  test("keeps no answer with an error, which everybody who polls would be given", () => {
    const { CustomErrorResponses } = distribution(template);

    expect(CustomErrorResponses).toEqual(
      [404, 414, 500, 501, 502, 503, 504].map((ErrorCode) => ({
        ErrorCode,
        ErrorCachingMinTTL: 0,
      })),
    );
  });

  test("serves both paths alike: all methods, nothing cached, by HTTPS alone, through the function", () => {
    const [polling] = CacheBehaviors;
    const { TargetOriginId, PathPattern, ...behaviour } = polling;

    expect({ ...DefaultCacheBehavior, TargetOriginId }).toEqual({ ...behaviour, TargetOriginId });
    expect(behaviour.AllowedMethods.toSorted()).toEqual([
      ...["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"],
    ]);
    expect(behaviour.FunctionAssociations).toMatchObject([{ EventType: "viewer-request" }]);
  });
});

describe("without polling", () => {
  test.each([{ transports: "websocket" }, { transports: ["websocket"] }])(
    "as %j says, there is no function and no API for it, and the edge refuses it",
    (settings) => {
      const given = templateWith(settings);

      expect(functionsIn(given)).not.toContain("Polling");
      given.resourceCountIs("AWS::ApiGatewayV2::Api", 2);
      expect(edgeCode(given)).toContain('const TRANSPORTS = ["websocket"];');
      expect(distribution(given).Origins).toHaveLength(1);
      expect(distribution(given).CacheBehaviors).toBeUndefined();
      expect(distribution(given).DefaultCacheBehavior.AllowedMethods).toEqual(["GET", "HEAD"]);
    },
  );

  test("because there is no edge, there is no function and no API for it either", () => {
    const given = templateWith({ edge: "false" });

    expect(functionsIn(given)).not.toContain("Polling");
    given.resourceCountIs("AWS::ApiGatewayV2::Api", 2);
  });
});

describe("a server of one's own", () => {
  function serverWith(transports?: readonly Transport[]) {
    const stack = new Stack(new App({ context: { "aws:cdk:bundling-stacks": [] } }), "Own");
    const app = "test/support/application.ts";
    return { stack, server: new SocketIoServer(stack, "Server", { app, transports }) };
  }

  test("has the API of polling with its edge", () => {
    const { stack, server } = serverWith();
    server.addEdge();

    expect(server.functions).toContain(server.polling);
    expect(distribution(Template.fromStack(stack)).Origins).toHaveLength(2);
  });

  test("has nothing that is public for polling without an edge", () => {
    const { stack } = serverWith(["polling", "websocket"]);

    Template.fromStack(stack).resourceCountIs("AWS::ApiGatewayV2::Api", 1);
  });

  test("has no polling function with websocket alone", () => {
    const { server } = serverWith(["websocket"]);

    expect(server.polling).toBeUndefined();
    expect(server.functions).toHaveLength(4);
  });
});
