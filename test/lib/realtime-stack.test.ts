import { Match } from "aws-cdk-lib/assertions";
import { describe, expect, test } from "vitest";
import { statements, templateWith } from "../support/template.ts";

const template = templateWith();
/** The resource of a type whose path begins so, e.g. `Socket` or `Gateway`. */
const only = (type: string, start = "") => {
  const found = Object.entries(template.findResources(type)).filter(
    ([id]) => id.startsWith(start) && !id.startsWith("CustomResource"),
  );
  expect(found).toHaveLength(1);
  const [[id, resource] = ["", { Properties: {} }]] = found;
  return { id, ...resource.Properties };
};

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

  test("are written where the account has a role for it", () => {
    expect(stages({ accessLogs: true })).toContain("AccessLogSettings");
    templateWith({ accessLogs: true }).resourceCountIs("AWS::ApiGateway::Account", 0);
  });

  test("get the account's role first where they are told to", () => {
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

describe("reserved concurrency", () => {
  const reserved = (settings: Readonly<Record<string, unknown>>) =>
    Object.entries(templateWith(settings).findResources("AWS::Lambda::Function"))
      .map(([id, { Properties }]) => [id, Properties.ReservedConcurrentExecutions] as const)
      .filter(([, concurrency]) => concurrency !== undefined);

  test("is none by default, because a new account has ten executions in all", () => {
    expect(reserved({})).toEqual([]);
  });

  test("keeps executions for sockets and their heartbeat, which nothing else can take then", () => {
    expect(reserved({ socketConcurrency: "200", heartbeatConcurrency: 20 })).toEqual([
      [expect.stringMatching(/^Socket/), 200],
      [expect.stringMatching(/^Heartbeat/), 20],
    ]);
  });
});

describe("the socket function", () => {
  test("runs on the newest Node and ARM64, for as long as API Gateway waits", () => {
    template.hasResourceProperties("AWS::Lambda::Function", {
      Runtime: "nodejs24.x",
      Architectures: ["arm64"],
      Timeout: 29,
      MemorySize: 512,
    });
  });

  test("is told its limits and heartbeat from the settings", () => {
    const settings = { pingInterval: "60000", roomsPerSocket: 7, functionMemory: 1024 };

    templateWith(settings).hasResourceProperties("AWS::Lambda::Function", {
      MemorySize: 1024,
      Environment: {
        Variables: {
          HEARTBEAT: '{"pingInterval":60000,"pingTimeout":120000,"maxPayload":131072}',
          LIMITS: Match.stringLikeRegexp('"roomsPerSocket":7'),
        },
      },
    });
  });

  test("keeps its log a month, in a group of its own", () => {
    const { LoggingConfig } = only("AWS::Lambda::Function", "Socket");

    const log = template.findResources("AWS::Logs::LogGroup")[LoggingConfig.LogGroup.Ref];
    expect(log?.Properties.RetentionInDays).toBe(30);
  });
});

describe("the table", () => {
  test("is keyed by pk and sk, on demand, with TTL and point-in-time recovery", () => {
    template.hasResourceProperties("AWS::DynamoDB::Table", {
      KeySchema: [
        { AttributeName: "pk", KeyType: "HASH" },
        { AttributeName: "sk", KeyType: "RANGE" },
      ],
      BillingMode: "PAY_PER_REQUEST",
      TimeToLiveSpecification: { AttributeName: "expiresAt", Enabled: true },
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
    });
  });

  test("has one sparse index for the sweep, of keys alone", () => {
    expect(only("AWS::DynamoDB::Table").GlobalSecondaryIndexes).toEqual([
      {
        IndexName: "byShard",
        KeySchema: [
          { AttributeName: "shard", KeyType: "HASH" },
          { AttributeName: "pk", KeyType: "RANGE" },
        ],
        Projection: { ProjectionType: "KEYS_ONLY" },
      },
    ]);
  });

  test("outlives the stack unless the deployment says otherwise", () => {
    template.hasResource("AWS::DynamoDB::Table", {
      DeletionPolicy: "RetainExceptOnCreate",
      UpdateReplacePolicy: "Retain",
    });
    templateWith({ deletionProtection: "false" }).hasResource("AWS::DynamoDB::Table", {
      DeletionPolicy: "Delete",
    });
  });
});

test("a first deployment that fails leaves nothing: no resource is kept, and none refuses to be deleted", () => {
  const resources = templateWith({ gatewayLogRole: "false", demo: "true" }).toJSON()
    .Resources as Record<string, Resource & { readonly DeletionPolicy?: string }>;

  for (const { DeletionPolicy = "Delete", Properties } of Object.values(resources)) {
    expect(["Delete", "RetainExceptOnCreate"]).toContain(DeletionPolicy);
    // DynamoDB would refuse CloudFormation, too, and the deployment could not even be rolled back.
    expect(Properties?.DeletionProtectionEnabled).toBeUndefined();
  }
});

test("the logs outlive the stack", () => {
  template.allResources("AWS::Logs::LogGroup", { DeletionPolicy: "RetainExceptOnCreate" });
});

describe("asynchronous invocations", () => {
  const functions = template.findResources("AWS::Lambda::Function");
  const targetsIn = (value: unknown) =>
    Object.keys(functions).filter((id) => JSON.stringify(value).includes(`"${id}","Arn"`));
  const roleOf = (id: string): string => functions[id]?.Properties.Role["Fn::GetAtt"][0];
  /** The functions that a function may invoke: none does so other than asynchronously. */
  const invokedBy = (id: string): readonly string[] =>
    statements(template)
      .filter(
        ({ Action, roles }) => Action === "lambda:InvokeFunction" && roles.includes(roleOf(id)),
      )
      .flatMap(({ Resource }) => targetsIn(Resource));
  const reachedFrom = (id: string, reached = new Set<string>()): ReadonlySet<string> => {
    for (const next of invokedBy(id)) if (!reached.has(next)) reachedFrom(next, reached.add(next));
    return reached;
  };

  test("of every function have an age, by which they are given up, and a number of tries", () => {
    const others = ["AWS::Events::Rule", "AWS::Scheduler::Schedule"].flatMap((type) =>
      targetsIn(template.findResources(type)),
    );
    const invoked = new Set([...others, ...Object.keys(functions).flatMap(invokedBy)]);
    const configured = Object.values(template.findResources("AWS::Lambda::EventInvokeConfig")).map(
      ({ Properties }) => [
        Properties.FunctionName.Ref.replace(/[0-9A-F]{8}$/, ""),
        Properties.MaximumEventAgeInSeconds,
        Properties.MaximumRetryAttempts,
      ],
    );

    expect(configured.toSorted()).toEqual([
      ["FanOutCarrier", 60, 0],
      // Lambda tries again a minute later; what is older by then would not be tried.
      ["Heartbeat", 120, 1],
      ["Publish", 3600, 2],
      ["Socket", 60, 0],
    ]);
    expect([...invoked].map((id) => id.replace(/[0-9A-F]{8}$/, "")).toSorted()).toEqual(
      configured.map(([name]) => name).toSorted(),
    );
  });

  test("of functions that reach themselves are no mistake: Lambda would cut a large room's chain after sixteen", () => {
    const recursive = Object.keys(functions).filter((id) => reachedFrom(id).has(id));

    expect(recursive).toHaveLength(3);
    for (const [id, { Properties }] of Object.entries(functions))
      expect([id, Properties.RecursiveLoop]).toEqual([
        id,
        recursive.includes(id) ? "Allow" : undefined,
      ]);
  });
});

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
    ["Publish", ["GetItem", "PutItem"], ["sqs:SendMessage"]],
    ["Webhook", ["GetItem"], ["secretsmanager:GetSecretValue"]],
    ["Heartbeat", [], []],
    ["FanOut", [], []],
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

    expect(granted).toHaveLength(6);
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

  test("the socket function may invoke itself, by a policy that it does not wait for", () => {
    const { id } = only("AWS::Lambda::Function", "Socket");
    const carrier = only("AWS::Lambda::Function", "FanOut").id;
    const invoked = statements(template)
      .filter(
        ({ Action, roles }) =>
          Action === "lambda:InvokeFunction" && roles.some((role) => role.startsWith("Socket")),
      )
      .map(({ Resource }) => Resource);

    expect(invoked).toEqual(
      expect.arrayContaining([id, carrier].map((target) => ({ "Fn::GetAtt": [target, "Arn"] }))),
    );
    expect(invoked).toHaveLength(2);
    expect(template.findResources("AWS::Lambda::Function")[id]?.DependsOn.join()).not.toContain(
      "Opening",
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
      ...Array.from({ length: 4 }, () => "apigateway.amazonaws.com"),
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

test("no physical name is fixed, so that a region can hold two deployments", () => {
  const names = Object.values(template.toJSON().Resources as Record<string, Resource>).flatMap(
    ({ Properties }) =>
      ["FunctionName", "TableName", "RoleName", "LogGroupName", "BucketName"].filter(
        (name) => typeof Properties?.[name] === "string",
      ),
  );

  expect(names).toEqual([]);
});

describe("outputs", () => {
  const outputs = template.findOutputs("*");

  test("name the public URL and the exact client options", () => {
    expect(JSON.stringify(outputs.ClientUrl?.Value)).toContain("https://");
    expect(outputs.ClientOptions?.Value).toBe('{ transports: ["websocket"], auth: { token } }');
    expect(outputs.DirectOptions?.Value).toContain('path: "/live", addTrailingSlash: false');
  });

  test("name the secret where the stack made one, and no secret's value", () => {
    expect(outputs.TokenSecretArn).toBeDefined();
    expect(JSON.stringify(outputs)).not.toContain("resolve:secretsmanager");
  });
});

describe("verification of tokens", () => {
  const arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:mine-AbCdEf";

  test("by a secret that exists makes no other", () => {
    const given = templateWith({ tokenSecretArn: arn });

    given.resourceCountIs("AWS::SecretsManager::Secret", 0);
    expect(JSON.stringify(statements(given))).toContain(arn);
  });

  test("by a secret under a key of one's own may use that key, through Secrets Manager alone", () => {
    const tokenSecretKeyArn = "arn:aws:kms:eu-west-1:123456789012:key/tokens";
    const integrationSecretKeyArn = "arn:aws:kms:eu-west-1:123456789012:key/integrations";
    const given = templateWith({ tokenSecretArn: arn, tokenSecretKeyArn, integrationSecretKeyArn });

    const decrypting = statements(given).filter(({ Action }) => Action === "kms:Decrypt");
    const readers = (key: string) =>
      decrypting
        .filter(({ Resource }) => Resource === key)
        .flatMap(({ roles }) => roles.map((role) => role.replace(/Role.*/, "")));
    expect(readers(tokenSecretKeyArn)).toEqual(["Socket"]);
    expect(readers(integrationSecretKeyArn).toSorted()).toEqual(["Socket", "Webhook"]);
    expect(decrypting).toHaveLength(3);
    for (const { Condition } of decrypting)
      expect(Condition).toEqual({
        StringEquals: {
          "kms:ViaService": {
            "Fn::Join": ["", ["secretsmanager.", { Ref: "AWS::Region" }, ".amazonaws.com"]],
          },
        },
      });
  });

  test("by a JWKS needs no secret and no right to one", () => {
    const keys = templateWith({ tokenJwksUrl: "https://id.example.org/jwks", tokenIssuer: "me" });

    keys.resourceCountIs("AWS::SecretsManager::Secret", 0);
    const secrets = statements(keys).filter(({ Action }) => String(Action).includes("secret"));
    expect(JSON.stringify(secrets)).not.toContain("Tokens");
    keys.hasResourceProperties("AWS::Lambda::Function", {
      Environment: {
        Variables: { TOKEN_JWKS_URL: "https://id.example.org/jwks", TOKEN_ISSUER: "me" },
      },
    });
  });
});

interface Resource {
  readonly Properties?: Readonly<Record<string, unknown>>;
}

describe("publications", () => {
  test("the bus hands every entry but AWS's own to the publisher, and keeps what cannot be delivered", () => {
    template.hasResourceProperties("AWS::Events::Rule", {
      EventPattern: { source: [{ "anything-but": { prefix: "aws." } }] },
      Targets: [
        Match.objectLike({
          Arn: { "Fn::GetAtt": [only("AWS::Lambda::Function", "Publish").id, "Arn"] },
          DeadLetterConfig: { Arn: { "Fn::GetAtt": [only("AWS::SQS::Queue").id, "Arn"] } },
        }),
      ],
    });
  });

  test("what the publisher fails on three times goes to the same queue", () => {
    template.hasResourceProperties("AWS::Lambda::EventInvokeConfig", {
      MaximumRetryAttempts: 2,
      DestinationConfig: {
        OnFailure: { Destination: { "Fn::GetAtt": [only("AWS::SQS::Queue").id, "Arn"] } },
      },
    });
  });
});

describe("the heartbeat", () => {
  test("is invoked for every full minute, told which, and again where that failed", () => {
    template.hasResourceProperties("AWS::Scheduler::Schedule", {
      ScheduleExpression: "cron(* * * * ? *)",
      Target: {
        Arn: { "Fn::GetAtt": [only("AWS::Lambda::Function", "Heartbeat").id, "Arn"] },
        Input: '{"scheduledTime":"<aws.scheduler.scheduled-time>"}',
        RetryPolicy: { MaximumRetryAttempts: 5, MaximumEventAgeInSeconds: 60 },
      },
    });
  });

  test("knows how often it has promised to ping, and how connections are divided", () => {
    const given = templateWith({ pingInterval: 120_000, shards: 3 });
    const heart = Object.entries(given.findResources("AWS::Lambda::Function")).find(([id]) =>
      id.startsWith("Heartbeat"),
    );

    const { HEARTBEAT, LIMITS } = heart?.[1].Properties.Environment.Variables ?? {};
    expect(JSON.parse(HEARTBEAT)).toMatchObject({ pingInterval: 120_000 });
    expect(JSON.parse(LIMITS)).toMatchObject({ shards: 3 });
  });
});
