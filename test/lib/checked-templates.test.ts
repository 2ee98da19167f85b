import { App } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";
import { describe, expect, test } from "vitest";
import { readSettings } from "../../lib/config.ts";
import { MudbaseStack } from "../../lib/mudbase-stack.ts";
import { certificateArn, EVERYTHING, statements, templateWith } from "../support/template.ts";

// Outside of a test, because the first synthesis loads the CDK.
const byDefault = templateWith();

/** What a web ACL, a name with its own certificate and a secret that is there already answer. */
const ANSWERED = ["AwsSolutions-CFR2", "AwsSolutions-CFR4", "AwsSolutions-SMG4"];

/** What AwsSolutions finds and we leave as it is, with the reason. */
const LEFT = {
  "AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:execute-api:<AWS::Region>:<AWS::AccountId>:<GatewayApi4EDF2151>/live/POST/@connections/*]":
    "connections come and go: all of this API's stage, and of no other",
  "AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:execute-api:<AWS::Region>:<AWS::AccountId>:<GatewayApi4EDF2151>/live/DELETE/@connections/*]":
    "the same",
  "AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:secretsmanager:<AWS::Region>:<AWS::AccountId>:secret:serverless-socket-io/integrations/*]":
    "integrations are registered later: secrets below one prefix (decision 21)",
  "AwsSolutions-SMG4":
    "whoever signs tokens must rotate it at the same time; a rotated secret is read again at its first token",
  "AwsSolutions-APIG4":
    "a browser's WebSocket carries no signature, nor does its polling: the token is verified at the handshake and CONNECT; webhooks are signed; the demo is for everyone",
  "AwsSolutions-SQS3": "it is the dead-letter queue",
  "AwsSolutions-APIG1":
    "sockets: accessLogs is a setting, because it fails in an account without a role for it; polling is billed by requests, and a line for each would cost as much; webhooks name their signature in headers: the function logs each refusal, without them; the demo answers with tokens",
  "AwsSolutions-CFR1": "who may connect is the token's business, not a country's",
  "AwsSolutions-CFR2": "WAF is a setting: -c waf=true",
  "AwsSolutions-CFR3": "the query string may carry a token, and CloudFront would log it",
  "AwsSolutions-CFR4":
    "CloudFront's own name allows no other; with domainName it is TLS 1.2 of 2021 and newer",
};

/** What is found besides where everything is on. */
const LEFT_OF_EVERYTHING = {
  "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]":
    "API Gateway asks for this very policy for the account's log role",
  "AwsSolutions-IAM5[Resource::*]": "tracing: X-Ray's actions know no resources",
};

test.each([
  ["by default", {}, Object.keys(LEFT)],
  [
    "with everything",
    EVERYTHING,
    Object.keys({ ...LEFT, ...LEFT_OF_EVERYTHING }).filter((rule) => !ANSWERED.includes(rule)),
  ],
])("AwsSolutions finds nothing but what is left for a reason, %s", (_, settings, left) => {
  const app = new App({ context: { "aws:cdk:bundling-stacks": [] } });
  const stack = new MudbaseStack(app, "Test", readSettings(settings));
  app.synth();

  const { violations } = new AwsSolutionsChecks().validateScope(stack);

  expect(violations.map(({ ruleName }) => ruleName).toSorted()).toEqual(left.toSorted());
});

test("nothing but X-Ray's own two actions is allowed with all resources", () => {
  const all = statements(templateWith(EVERYTHING)).filter(({ Resource }) =>
    [Resource].flat().includes("*"),
  );

  expect(new Set(all.flatMap(({ Action }) => Action))).toEqual(
    new Set(["xray:PutTraceSegments", "xray:PutTelemetryRecords"]),
  );
});

const webAclArn = "arn:aws:wafv2:us-east-1:000000000000:global/webacl/a/b";
const count = (settings: object, type: string) =>
  Object.keys(templateWith(settings as Record<string, unknown>).findResources(type)).length;
const outputs = (settings: object) =>
  templateWith(settings as Record<string, unknown>).findOutputs("*");

describe("the edge", () => {
  test("is there unless it is switched off, and then the API's own address is the only output", () => {
    expect(count({}, "AWS::CloudFront::Distribution")).toBe(1);
    expect(count({ edge: "false" }, "AWS::CloudFront::Distribution")).toBe(0);
    expect(Object.keys(outputs({ edge: "false" }))).not.toContain("ClientUrl");
    expect(Object.keys(outputs({ edge: "false" }))).toContain("DirectUrl");
  });

  test("has a name of its own, with its certificate and TLS 1.2 at least", () => {
    const settings = { domainName: "realtime.example.org", certificateArn };

    templateWith(settings).hasResourceProperties("AWS::CloudFront::Distribution", {
      DistributionConfig: {
        Aliases: ["realtime.example.org"],
        ViewerCertificate: {
          AcmCertificateArn: certificateArn,
          MinimumProtocolVersion: "TLSv1.2_2021",
        },
      },
    });
    expect(outputs(settings).ClientUrl?.Value).toBe("https://realtime.example.org");
  });

  test("is guarded by a web ACL of its own, or by one there is", () => {
    templateWith({ waf: "true" }).hasResourceProperties("AWS::WAFv2::WebACL", {
      Scope: "CLOUDFRONT",
      Rules: [{ Statement: { RateBasedStatement: { Limit: 5000, AggregateKeyType: "IP" } } }],
    });
    templateWith({ webAclArn }).hasResourceProperties("AWS::CloudFront::Distribution", {
      DistributionConfig: { WebACLId: webAclArn },
    });
    expect(count({ webAclArn }, "AWS::WAFv2::WebACL")).toBe(0);
  });
});

test("API Gateway answers to a name of its own without CloudFront", () => {
  const settings = {
    ...{ edge: "false", apiDomainName: "ws.example.org" },
    apiCertificateArn: "arn:aws:acm:eu-west-1:000000000000:certificate/a",
  };
  const template = templateWith(settings);

  template.hasResourceProperties("AWS::ApiGatewayV2::DomainName", { DomainName: "ws.example.org" });
  template.hasResourceProperties("AWS::ApiGatewayV2::ApiMapping", { ApiMappingKey: "socket.io" });
  expect(outputs(settings).ApiUrl?.Value).toBe("wss://ws.example.org");
});

describe("the demo page", () => {
  test("is not there unless it is asked for", () => {
    expect(Object.keys(byDefault.findResources("AWS::ApiGatewayV2::Route"))).not.toContainEqual(
      expect.stringMatching(/^Demo/),
    );
    expect(Object.keys(outputs({}))).not.toContain("DemoUrl");
  });

  test("is served at the edge beside the sockets, throttled", () => {
    const template = templateWith({ demo: "true" });

    template.hasResourceProperties("AWS::CloudFront::Distribution", {
      DistributionConfig: {
        CacheBehaviors: [
          { PathPattern: "/polling", ViewerProtocolPolicy: "https-only" },
          { PathPattern: "/", ViewerProtocolPolicy: "redirect-to-https" },
          { PathPattern: "/demo/*", ViewerProtocolPolicy: "redirect-to-https" },
        ],
      },
    });
    template.hasResourceProperties("AWS::ApiGatewayV2::Stage", {
      DefaultRouteSettings: { ThrottlingRateLimit: 20, ThrottlingBurstLimit: 40 },
    });
    expect(outputs({ demo: "true" })).toHaveProperty("DemoUrl");
  });

  test("may read the secret of tokens and invoke the publisher, and nothing else", () => {
    const template = templateWith({ demo: "true" });

    const own = statements(template).filter(({ roles }) =>
      roles.some((id) => id.startsWith("Demo")),
    );

    expect(own.flatMap(({ Action }) => Action).toSorted()).toEqual([
      "lambda:InvokeFunction",
      "logs:CreateLogStream",
      "logs:PutLogEvents",
      "secretsmanager:GetSecretValue",
    ]);
    expect(JSON.stringify(own)).not.toContain('"*"');
  });
});

describe("tokens", () => {
  test("are verified by a secret of the stack's, or by keys behind a URL and then by none", () => {
    expect(count({}, "AWS::SecretsManager::Secret")).toBe(1);
    expect(
      count({ tokenJwksUrl: "https://id.example.org/keys" }, "AWS::SecretsManager::Secret"),
    ).toBe(0);
  });
});

describe("operation", () => {
  test("keeps logs, traces and pages of rooms as the settings say", () => {
    const template = templateWith({ logRetentionDays: "7", tracing: "true", fanOutPage: "500" });

    for (const { Properties } of Object.values(template.findResources("AWS::Lambda::Function"))) {
      if (Properties.Environment?.Variables?.LIMITS === undefined) continue;
      expect(Properties.TracingConfig).toEqual({ Mode: "Active" });
      expect(Properties.Environment.Variables.LIMITS).toContain('"fanOutPage":500');
    }
    template.allResourcesProperties("AWS::Logs::LogGroup", { RetentionInDays: 7 });
  });
});

test("what holds state or an address keeps its logical id, so that no deployment replaces it", () => {
  const ids = (type: string) => Object.keys(byDefault.findResources(type));

  expect(ids("AWS::DynamoDB::Table")).toEqual(["StateItems17FF42FC"]);
  expect(ids("AWS::SecretsManager::Secret")).toEqual(["TokensSecretA6069DB5"]);
  expect(ids("AWS::SQS::Queue")).toEqual(["PublicationsDeadLettersFE3EA912"]);
  expect(ids("AWS::ApiGatewayV2::Api")).toEqual([
    ...["GatewayApi4EDF2151", "PollingEndpointApiB8E199DA", "WebhooksApiA28DB082"],
  ]);
  expect(ids("AWS::CloudFront::Distribution")).toEqual(["EdgeDistribution0060737B"]);
  expect(ids("AWS::Events::EventBus")).toEqual(["PublicationsBus49A8D040"]);
  expect(ids("AWS::Logs::LogGroup")).toEqual([
    ...["SocketLogFBF35046", "PublishLogC283E3C2", "HeartbeatLog7C046F7D"],
    ...["FanOutCarrierLog3871FE07", "PollingLogD367D09D", "WebhookLog43567ED0"],
  ]);
});
