import { Match } from "aws-cdk-lib/assertions";
import { describe, expect, test } from "vitest";
import { onlyIn, templateWith } from "../support/template.ts";

const template = templateWith();
const only = onlyIn(template);

describe("the WebSocket API", () => {
  test("has the three routes, and all reach the one socket function", () => {
    const api = only("AWS::ApiGatewayV2::Api", "Gateway").id;
    const routes = Object.values(template.findResources("AWS::ApiGatewayV2::Route")).filter(
      ({ Properties }) => Properties.ApiId.Ref === api,
    );

    expect(routes.map(({ Properties }) => Properties.RouteKey).toSorted()).toEqual([
      "$connect",
      "$default",
      "$disconnect",
    ]);
    expect(new Set(routes.map(({ Properties }) => JSON.stringify(Properties.Target))).size).toBe(1);
    const { IntegrationUri } = only("AWS::ApiGatewayV2::Integration", "Gateway");
    expect(JSON.stringify(IntegrationUri)).toContain(only("AWS::Lambda::Function", "Socket").id);
  });

  test("deploys its stage by itself", () => {
    template.hasResourceProperties("AWS::ApiGatewayV2::Stage", {
      StageName: "live",
      AutoDeploy: true,
    });
  });

  test("logs accesses without query strings and headers, where tokens travel", () => {
    const logging = templateWith({ accessLogs: true });
    const stages = Object.values(logging.findResources("AWS::ApiGatewayV2::Stage"));
    const [{ AccessLogSettings } = { AccessLogSettings: {} }] = stages
      .map(({ Properties }) => Properties)
      .filter(({ StageName }) => StageName === "live");

    expect(AccessLogSettings.Format).toContain("$context.connectionId");
    expect(AccessLogSettings.Format).not.toMatch(/querystring|header|authorizer/i);
  });
});

describe("API Gateway's logs", () => {
  const stages = (settings: object) =>
    JSON.stringify(
      templateWith(settings as Record<string, unknown>).findResources("AWS::ApiGatewayV2::Stage"),
    );

  test("are off, and the account's role is left alone, so that no account fails the deployment", () => {
    expect(stages({})).not.toContain("AccessLogSettings");
    template.resourceCountIs("AWS::ApiGateway::Account", 0);
  });

  test("are written if the setting says so", () => {
    expect(stages({ accessLogs: true })).toContain("AccessLogSettings");
    templateWith({ accessLogs: true }).resourceCountIs("AWS::ApiGateway::Account", 0);
  });

  test("wait for the account's role if the stack sets it", () => {
    const given = templateWith({ accessLogs: true, gatewayLogRole: true });

    const [account = ""] = Object.keys(given.findResources("AWS::ApiGateway::Account"));
    given.hasResource("AWS::ApiGatewayV2::Stage", {
      Properties: { StageName: "live" },
      DependsOn: Match.arrayWith([account]),
    });
  });
});

describe("throttles", () => {
  const throttled = (rate: number, burst: number) => ({
    DefaultRouteSettings: { ThrottlingRateLimit: rate, ThrottlingBurstLimit: burst },
  });

  test("leave room for posts to sockets in the smallest of accounts: 2,500 a second, 1,250 at once", () => {
    template.hasResourceProperties("AWS::ApiGatewayV2::Stage", {
      ...{ StageName: "live", ...throttled(2000, 1000) },
    });
    template.hasResourceProperties("AWS::ApiGatewayV2::Stage", {
      ApiId: { Ref: only("AWS::ApiGatewayV2::Api", "Webhooks").id },
      ...{ StageName: "$default", AutoDeploy: true, ...throttled(100, 50) },
    });
    for (const stage of Object.values(template.findResources("AWS::ApiGatewayV2::Stage")))
      expect(stage.Properties.DefaultRouteSettings).toBeDefined();
  });

  test("are settings", () => {
    const given = templateWith({ requestsPerSecond: "8001", webhooksPerSecond: 3 });

    given.hasResourceProperties("AWS::ApiGatewayV2::Stage", throttled(8001, 4001));
    given.hasResourceProperties("AWS::ApiGatewayV2::Stage", throttled(3, 2));
  });
});
