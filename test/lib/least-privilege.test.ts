import { Match } from "aws-cdk-lib/assertions";
import { describe, expect, test } from "vitest";
import { onlyIn, statements, templateWith } from "../support/template.ts";

const template = templateWith();
const only = onlyIn(template);

describe("least privilege", () => {
  const reaching = ["BatchGetItem", "BatchWriteItem", "DeleteItem", "Query", "UpdateItem"];
  const everyone = [
    ...["execute-api:ManageConnections", "lambda:InvokeFunction"],
    ...["logs:CreateLogStream", "logs:PutLogEvents"],
  ];
  const allowed = (role: string) =>
    statements(template)
      .filter(({ roles }) => roles.some((id) => id.startsWith(role)))
      .flatMap(({ Action }) => Action);

  test.each([
    ["Socket", ["GetItem", "PutItem"], ["secretsmanager:GetSecretValue"]],
    ["Polling", ["GetItem", "PutItem"], ["secretsmanager:GetSecretValue"]],
    ["Publish", ["GetItem", "PutItem"], ["sqs:SendMessage"]],
    ["Webhook", ["GetItem"], ["secretsmanager:GetSecretValue"]],
    ["Heartbeat", ["GetItem", "PutItem"], []],
    ["FanOut", ["GetItem", "PutItem"], []],
  ])("the function %s may do this and nothing else", (role, items, more) => {
    const actions = [...reaching, ...items].map((action) => `dynamodb:${action}`);

    expect(new Set(allowed(role))).toEqual(new Set([...everyone, ...actions, ...more]));
  });

  test("no action and no resource is a wildcard", () => {
    for (const { Action, Resource } of statements(template)) {
      expect([Action].flat().join()).not.toContain("*");
      expect([Resource].flat()).not.toContain("*");
    }
  });

  test("a function may read the table but not scan it, and only the sweep its index", () => {
    const granted = statements(template).filter(({ Action }) =>
      String(Action).includes("dynamodb"),
    );

    const table = { "Fn::GetAtt": [only("AWS::DynamoDB::Table").id, "Arn"] };
    const elsewhere = granted.filter(
      ({ Resource }) => JSON.stringify(Resource) !== JSON.stringify(table),
    );

    expect(granted).toHaveLength(7);
    expect(elsewhere).toMatchObject([
      {
        Action: "dynamodb:Query",
        Resource: { "Fn::Join": ["", [table, "/index/byShard"]] },
        roles: [expect.stringMatching(/^Heartbeat/)],
      },
    ]);
  });

  test("it may post to and close connections of this API's stage", () => {
    const [posts] = statements(template).filter(({ Action }) =>
      String(Action).startsWith("execute-api"),
    );

    const resources = JSON.stringify(posts?.Resource);
    expect(resources).toContain(only("AWS::ApiGatewayV2::Api", "Gateway").id);
    expect(resources).toContain("/live/POST/@connections/*");
    expect(resources).toContain("/live/DELETE/@connections/*");
    expect(resources).not.toContain("/GET/");
  });

  test("the socket function may invoke itself, by a policy that it does not depend on", () => {
    const { id } = only("AWS::Lambda::Function", "Socket");
    const worker = only("AWS::Lambda::Function", "FanOut").id;
    const invoked = statements(template)
      .filter(
        ({ Action, roles }) =>
          Action === "lambda:InvokeFunction" && roles.some((role) => role.startsWith("Socket")),
      )
      .map(({ Resource }) => Resource);

    expect(invoked).toEqual(
      expect.arrayContaining([id, worker].map((target) => ({ "Fn::GetAtt": [target, "Arn"] }))),
    );
    expect(invoked).toHaveLength(2);
    expect(template.findResources("AWS::Lambda::Function")[id]?.DependsOn.join()).not.toContain(
      "Open",
    );
  });

  test("of secrets only the token's and those of integrations may be read", () => {
    const resources = JSON.stringify(
      statements(template)
        .filter(({ Action }) => String(Action).startsWith("secretsmanager"))
        .map(({ Resource }) => Resource),
    );

    expect(resources).toContain(":secret:serverless-socket-io/integrations/*");
    expect(resources).toContain(only("AWS::SecretsManager::Secret").id);
  });
});

describe("nothing is public by accident", () => {
  test("only API Gateway may invoke the function from outside, each route by itself", () => {
    const permissions = Object.values(template.findResources("AWS::Lambda::Permission"));
    const principals = permissions.map(({ Properties }) => Properties.Principal).toSorted();

    expect(principals).toEqual([
      ...Array.from({ length: 7 }, () => "apigateway.amazonaws.com"),
      "events.amazonaws.com",
    ]);
    for (const { Properties } of permissions) expect(Properties.SourceArn).toBeDefined();
  });

  test("the HTTP API takes webhooks and nothing else", () => {
    const api = only("AWS::ApiGatewayV2::Api", "Webhooks").id;
    const routes = Object.values(template.findResources("AWS::ApiGatewayV2::Route")).filter(
      ({ Properties }) => Properties.ApiId.Ref === api,
    );

    expect(routes.map(({ Properties }) => Properties.RouteKey)).toEqual([
      "POST /webhooks/{projectId}/{integrationId}",
    ]);
  });

  test("there is no function URL and no bucket, and the dead letters are encrypted, by TLS alone", () => {
    for (const type of ["AWS::Lambda::Url", "AWS::S3::Bucket"]) template.resourceCountIs(type, 0);
    template.hasResourceProperties("AWS::SQS::Queue", { SqsManagedSseEnabled: true });
    template.hasResourceProperties("AWS::SQS::QueuePolicy", {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Effect: "Deny",
            Condition: { Bool: { "aws:SecureTransport": "false" } },
          }),
        ]),
      },
    });
  });

  test("CloudFront is reached by HTTPS alone, forwards everything but Host, and caches nothing", () => {
    const { DistributionConfig } = only("AWS::CloudFront::Distribution");

    expect(DistributionConfig.DefaultCacheBehavior).toMatchObject({
      ViewerProtocolPolicy: "https-only",
      // AWS's managed policies CachingDisabled and AllViewerExceptHostHeader.
      CachePolicyId: "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
      OriginRequestPolicyId: "b689b0a8-53d0-40ab-baf2-68738e2966ac",
    });
    expect(DistributionConfig.Origins[0].CustomOriginConfig.OriginProtocolPolicy).toBe(
      "https-only",
    );
  });
});
