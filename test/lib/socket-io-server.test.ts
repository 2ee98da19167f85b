import { resolve } from "node:path";
import { App, Stack } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import type { ICertificate } from "aws-cdk-lib/aws-certificatemanager";
import { CfnDistribution } from "aws-cdk-lib/aws-cloudfront";
import { AccountPrincipal, Role } from "aws-cdk-lib/aws-iam";
import { Code, Function as LambdaFunction, Runtime } from "aws-cdk-lib/aws-lambda";
import { Secret } from "aws-cdk-lib/aws-secretsmanager";
import { type CfnTopic, Topic } from "aws-cdk-lib/aws-sns";
import { describe, expect, test } from "vitest";
import type { EdgeOptions } from "../../lib/edge.ts";
import { entriesOf } from "../../lib/entries.ts";
import { SocketIoServer, type SocketIoServerProps } from "../../lib/socket-io-server.ts";
import type { Transport } from "../../lib/transports.ts";
import { statements } from "../support/template.ts";

const functions = {
  socket: "lambdas/mudbase/functions/socket.ts",
  polling: "lambdas/mudbase/functions/polling.ts",
  heartbeat: "lambdas/mudbase/functions/heartbeat.ts",
  fanOut: "lambdas/mudbase/functions/fan-out.ts",
  publish: "lambdas/mudbase/functions/publish.ts",
};

/** The few lines of an application. */
const APP = "test/support/application.ts";

const newStack = () =>
  new Stack(new App({ context: { "aws:cdk:bundling-stacks": [] } }), "Realtime");

/** The environment of each function of a template, by its logical id without the hash. */
const environmentsIn = (template: Template): ReadonlyMap<string, Record<string, string>> =>
  new Map(
    Object.entries(template.findResources("AWS::Lambda::Function")).map(([id, { Properties }]) => [
      id.replace(/[0-9A-F]{8}$/, ""),
      Properties.Environment.Variables,
    ]),
  );

const numbersIn = (environment: Readonly<Record<string, string>> | undefined, name: string) =>
  JSON.parse(environment?.[name] ?? "{}");

describe("two servers in one stack", () => {
  const stack = newStack();
  const chat = new SocketIoServer(stack, "Chat", { functions });
  const game = new SocketIoServer(stack, "Game", {
    app: APP,
    limits: { roomsPerSocket: 7 },
    applicationLimits: { movesPerSecond: 3 },
    heartbeat: { pingInterval: 60_000 },
    allowedOrigins: ["https://game.example"],
    environment: { WORLD: "flat" },
    requestsPerSecond: 50,
    deletionProtection: false,
  });
  const onDuty = new Topic(stack, "OnDuty");
  for (const server of [chat, game]) {
    server.addAlarms({ topic: onDuty });
    server.addDashboard();
  }
  const template = Template.fromStack(stack);
  const environments = environmentsIn(template);

  test("have an API, a table, a bus and five functions each, and no secret", () => {
    template.resourceCountIs("AWS::ApiGatewayV2::Api", 2);
    template.resourceCountIs("AWS::DynamoDB::Table", 2);
    template.resourceCountIs("AWS::Events::EventBus", 2);
    template.resourceCountIs("AWS::SecretsManager::Secret", 0);
    expect([...environments.keys()].toSorted()).toEqual(
      ["Chat", "Game"].flatMap((server) =>
        ["FanOutCarrier", "Heartbeat", "Polling", "Publish", "Socket"].map(
          (name) => `${server}${name}`,
        ),
      ),
    );
  });

  test("share no right: a function of one reaches nothing of the other", () => {
    for (const { Resource, roles } of statements(template)) {
      const other = roles.some((role) => role.startsWith("Chat")) ? "Game" : "Chat";
      expect(JSON.stringify(Resource)).not.toContain(`"${other}`);
    }
  });

  test("count in metrics of their own", () => {
    const services = new Set(
      [...environments.values()].map(({ POWERTOOLS_SERVICE_NAME }) => POWERTOOLS_SERVICE_NAME),
    );

    expect(services).toEqual(new Set([chat, game].map(({ operation }) => operation.service)));
    expect(services.size).toBe(2);
  });

  test("have the default limits and heartbeat, or those that are given, with the application's own", () => {
    const [chats, games] = ["ChatSocket", "GameSocket"].map((id) => environments.get(id));

    expect(numbersIn(chats, "LIMITS")).toMatchObject({ roomsPerSocket: 200, shards: 16 });
    expect(numbersIn(chats, "HEARTBEAT")).toEqual({
      ...{ pingInterval: 240_000, pingTimeout: 120_000, maxPayload: 131_072 },
    });
    expect(numbersIn(games, "LIMITS")).toMatchObject({
      ...{ roomsPerSocket: 7, shards: 16, movesPerSecond: 3 },
    });
    expect(numbersIn(games, "HEARTBEAT")).toMatchObject({ pingInterval: 60_000 });
  });

  test("have the environment of their application in all functions, and origins where clients connect", () => {
    for (const [id, environment] of environments)
      expect([id, environment.WORLD]).toEqual([id, id.startsWith("Game") ? "flat" : undefined]);
    for (const name of ["Socket", "Polling"]) {
      expect(environments.get(`Game${name}`)?.ALLOWED_ORIGINS).toBe('["https://game.example"]');
      expect(environments.get(`Chat${name}`)?.ALLOWED_ORIGINS).toBe("[]");
    }
  });

  test("have throttles and a removal policy of their own", () => {
    template.hasResourceProperties("AWS::ApiGatewayV2::Stage", {
      DefaultRouteSettings: { ThrottlingRateLimit: 50, ThrottlingBurstLimit: 25 },
    });
    const kept = Object.entries(template.findResources("AWS::DynamoDB::Table")).map(
      ([id, { DeletionPolicy }]) => [id.slice(0, 4), DeletionPolicy],
    );
    expect(kept).toEqual([
      ["Chat", "RetainExceptOnCreate"],
      ["Game", "Delete"],
    ]);
  });

  test("give metrics that count one of them alone", () => {
    const metric = game.metric("Events", { outcome: "internal" });

    expect(metric).toMatchObject({ namespace: "ServerlessSocketIo", metricName: "Events" });
    expect(metric.dimensions).toEqual({ service: game.operation.service, outcome: "internal" });
  });

  test("have alarms and a dashboard each, without those of the contract", () => {
    const ids = Object.keys(template.findResources("AWS::CloudWatch::Alarm"));

    expect(ids).toHaveLength(32);
    expect(ids.join()).not.toMatch(/Webhook|Changes/);
    template.allResourcesProperties("AWS::CloudWatch::Alarm", {
      AlarmActions: [{ Ref: stack.getLogicalId(onDuty.node.defaultChild as CfnTopic) }],
    });
    template.resourceCountIs("AWS::CloudWatch::Dashboard", 2);
  });
});

describe("an application of one file", () => {
  test("has an entry for each function, which calls the server's handler with it", () => {
    const handlers = Object.entries(entriesOf(APP)).map(([name, { code, name: file }]) => {
      expect(code).toContain(`lambdas/server/functions/${file}"`);
      expect(code).toContain(`import { app } from ${JSON.stringify(resolve(APP))};`);
      return [name, /export const handler = await (\w+)\(app\);/.exec(code)?.[1]];
    });
    expect(Object.fromEntries(handlers)).toEqual({
      ...{ socket: "socketHandler", polling: "pollingHandler", heartbeat: "heartbeatHandler" },
      ...{ fanOut: "fanOutHandler", publish: "publishHandler" },
    });
  });
});

test("a function of the application that may send has the environment that the server's own have", () => {
  const stack = newStack();
  const server = new SocketIoServer(stack, "Chat", { app: APP });
  const sender = new LambdaFunction(stack, "Sender", {
    ...{ runtime: Runtime.NODEJS_24_X, handler: "index.handler" },
    code: Code.fromInline("exports.handler = async () => 1;"),
  });
  server.grantSend(sender);

  const environments = environmentsIn(Template.fromStack(stack));
  const ofServer = new Set(Object.keys(environments.get("ChatPublish") ?? {}));
  for (const name of ["NODE_OPTIONS", "POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE"])
    ofServer.delete(name);
  expect(Object.keys(environments.get("Sender") ?? {}).toSorted()).toEqual(
    [...ofServer].toSorted(),
  );
});

describe("an Admin UI", () => {
  const secretArn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:chat-admin-AbCdEf";
  const stack = newStack();
  new SocketIoServer(stack, "Chat", { app: APP, admin: { secretArn } });
  const template = Template.fromStack(stack);

  test("is served by the functions with clients, which alone may read its secret and list sockets", () => {
    const mayRead = statements(template).filter(({ Resource }) => Resource === secretArn);
    const mayList = statements(template).filter(({ Resource }) =>
      JSON.stringify(Resource).includes("/index/byShard"),
    );
    const rolesOf = (found: typeof mayRead) =>
      found.flatMap(({ roles }) => roles.map((role) => role.replace(/Role.*/, ""))).toSorted();

    expect(mayRead.map(({ Action }) => Action)).toEqual(
      Array(2).fill("secretsmanager:GetSecretValue"),
    );
    expect(rolesOf(mayRead)).toEqual(["ChatPolling", "ChatSocket"]);
    expect(rolesOf(mayList)).toEqual(["ChatHeartbeat", "ChatPolling", "ChatSocket"]);
  });

  test("may have a secret, and origins, that only the deployment names", () => {
    const own = newStack();
    const { secretArn: token } = new Secret(own, "Secret");
    const { attrDomainName: domainName } = new CfnDistribution(own, "Site", {
      distributionConfig: {
        enabled: true,
        defaultCacheBehavior: { targetOriginId: "own", viewerProtocolPolicy: "https-only" },
      },
    });
    const allowedOrigins = [`https://${domainName}`, "https://app.example.org"];
    new SocketIoServer(own, "Chat", { app: APP, admin: { secretArn: token }, allowedOrigins });

    const text = JSON.stringify(Template.fromStack(own).toJSON());
    expect(text).toContain("https://app.example.org");
    expect(text).not.toContain("${Token[");
  });

  test("is read-only, unless it is said not to be", () => {
    const writable = newStack();
    const admin = { secretArn, readonly: false };
    new SocketIoServer(writable, "Chat", { app: APP, admin });
    const told = (of: Template) =>
      [...environmentsIn(of)].flatMap(([id, { ADMIN }]) =>
        ADMIN === undefined ? [] : [[id, JSON.parse(ADMIN)]],
      );

    expect(told(template)).toEqual([
      ["ChatSocket", { secretArn, readonly: true }],
      ["ChatPolling", { secretArn, readonly: true }],
    ]);
    expect(told(Template.fromStack(writable))).toEqual([
      ["ChatSocket", admin],
      ["ChatPolling", admin],
    ]);
  });

  test("is in the entry of each function", () => {
    const wraps = Object.entries(entriesOf(APP, true)).map(([name, { code }]) => [
      name,
      /export const handler = await \w+\((\w+)\(app\)\);/.exec(code)?.[1],
    ]);

    expect(Object.fromEntries(wraps)).toEqual({
      ...{ socket: "withAdmin", polling: "withAdmin" },
      ...{ heartbeat: "watched", fanOut: "watched", publish: "watched" },
    });
  });
});

describe("a back end", () => {
  /** What a role may do after it was granted something. */
  function rights(grant: (server: SocketIoServer, role: Role) => unknown) {
    const stack = newStack();
    const server = new SocketIoServer(stack, "Chat", { functions });
    grant(server, new Role(stack, "BackEnd", { assumedBy: new AccountPrincipal("123456789012") }));
    return statements(Template.fromStack(stack)).filter(({ roles }) =>
      roles.some((role) => role.startsWith("BackEnd")),
    );
  }
  const arnOf = (id: RegExp) => ({ "Fn::GetAtt": [expect.stringMatching(id), "Arn"] });

  test("with grantPublish may put entries on the bus and invoke the publish function", () => {
    expect(rights((server, role) => server.grantPublish(role))).toMatchObject([
      { Action: "events:PutEvents", Resource: arnOf(/^ChatPublicationsBus/) },
      { Action: "lambda:InvokeFunction", Resource: arnOf(/^ChatPublish/) },
    ]);
  });

  test("that is a function gets the names of both in its environment", () => {
    const stack = newStack();
    const server = new SocketIoServer(stack, "Chat", { functions });
    const [handler, runtime, code] = ["index.handler", Runtime.NODEJS_24_X, Code.fromInline("0")];
    server.grantPublish(new LambdaFunction(stack, "BackEnd", { handler, runtime, code }));

    const { BackEnd } = Object.fromEntries(environmentsIn(Template.fromStack(stack)));
    expect(BackEnd).toEqual({
      PUBLISH_BUS: { Ref: expect.stringMatching(/^ChatPublicationsBus/) },
      PUBLISH_FUNCTION: { Ref: expect.stringMatching(/^ChatPublish/) },
    });
  });

  test("with grantInvoke may invoke the publish function alone", () => {
    expect(rights((server, role) => server.grantInvoke(role))).toMatchObject([
      { Action: "lambda:InvokeFunction", Resource: arnOf(/^ChatPublish/) },
    ]);
  });
});

describe("wrong props are refused with their name and what they must be", () => {
  test.each<readonly [Partial<SocketIoServerProps>, string]>([
    [
      { limits: { roomsPerSocket: 1 } },
      "Realtime/Chat: limits: roomsPerSocket must be 2 at least.",
    ],
    [
      { admin: { secretArn: "chat-admin" } },
      "Realtime/Chat: admin.secretArn must be the ARN of a secret with the six characters that Secrets Manager puts after its name, like arn:aws:secretsmanager:eu-west-1:123456789012:secret:name-AbCdEf.",
    ],
    [{ limits: { pollWait: 26 } }, "Realtime/Chat: limits: pollWait must be 25 at most."],
    [
      { pollingConcurrency: 2 },
      "Realtime/Chat: pollingConcurrency must be a whole number from 3 to 100000.",
    ],
    ...[[], ["polling"], ["websocket", "webtransport"]].map(
      (transports) =>
        [
          { transports: transports as Transport[] },
          "Realtime/Chat: transports must be polling and websocket, or websocket alone.",
        ] as const,
    ),
    [{ limits: { shards: 1.5 } }, "Realtime/Chat: limits: shards must be a whole number."],
    [
      { heartbeat: { pingInterval: 90_000 } },
      "Realtime/Chat: heartbeat: pingInterval must be whole minutes, in milliseconds: 60000, 120000 and so on.",
    ],
    [
      { heartbeatConcurrency: 8 },
      "Realtime/Chat: heartbeatConcurrency must not be less than shards (16).",
    ],
    [
      { memorySize: 100, allowedOrigins: ["https://chat.example/"] },
      "Realtime/Chat: allowedOrigins.0 must be origins like https://app.example.org: in lower case, without a path, * or a default port; memorySize must be a whole number from 128 to 10240.",
    ],
    [
      { memorysize: 512 } as Partial<SocketIoServerProps>,
      "Realtime/Chat: there is no memorysize, but memorySize.",
    ],
    [
      { limits: { roomPerSocket: 50 } as object },
      "Realtime/Chat: limits: there is no roomPerSocket, but roomsPerSocket.",
    ],
    [
      { applicationLimits: { roomsPerSocket: 500 } },
      "Realtime/Chat: applicationLimits.roomsPerSocket is a limit of the server, and belongs into limits.",
    ],
    [
      { transports: ["websocket"], pollingConcurrency: 5 },
      "Realtime/Chat: pollingConcurrency needs polling among transports.",
    ],
    [{ logRetention: 45 } as object, "Realtime/Chat: logRetention must be one of RetentionDays."],
  ])("%j", (props, message) => {
    expect(() => new SocketIoServer(newStack(), "Chat", { ...props, functions })).toThrow(message);
  });

  test("neither an application nor functions", () => {
    expect(() => new SocketIoServer(newStack(), "Chat", {} as SocketIoServerProps)).toThrow(
      "Realtime/Chat: either app or functions is required.",
    );
  });

  const certificate = { certificateArn: "arn" } as ICertificate;
  test.each<readonly [string, (server: SocketIoServer) => unknown, string]>([
    [
      "a name without a certificate",
      (server) => server.addEdge({ name: { domainName: "chat.example.org" } } as EdgeOptions),
      "addEdge: name.certificate must be a certificate.",
    ],
    [
      "a name with what it has not",
      (server) =>
        server.addEdge({ name: { domainName: "a.b", certificate, zone: 1 } } as EdgeOptions),
      "addEdge: name has unknown zone.",
    ],
    [
      "a misspelt option of the edge",
      (server) => server.addEdge({ webACL: "own" } as EdgeOptions),
      "addEdge: there is no webACL, but webAcl.",
    ],
    [
      "a web ACL of its own in another region than CloudFront's",
      () => {
        const env = { account: "123456789012", region: "eu-west-1" };
        const app = new App({ context: { "aws:cdk:bundling-stacks": [] } });
        const server = new SocketIoServer(new Stack(app, "Realtime", { env }), "Chat", {
          functions,
        });
        return server.addEdge({ webAcl: "own" });
      },
      'addEdge: webAcl "own" is for stacks in us-east-1, and this one is in eu-west-1',
    ],
    [
      "the ARN of a topic",
      (server) => server.addAlarms({ topic: "arn:aws:sns:…" } as object),
      "addAlarms: topic must be a topic.",
    ],
    [
      "functions by name",
      (server) => server.addDashboard({ functions: ["send"] } as object),
      "addDashboard: functions.0 must be a function.",
    ],
    [
      "a domain name and no certificate",
      (server) => server.addDomainName("chat.example.org", undefined as unknown as ICertificate),
      "addDomainName: certificate must be a certificate.",
    ],
    [
      "a metric that is none",
      (server) => server.metric("Event" as "Events"),
      "metric: name must be one of ConnectionsOpened,",
    ],
    [
      "a dimension that is none",
      (server) => server.metric("Events", { tenant: "acme" }),
      "metric: dimensions has unknown tenant.",
    ],
  ])("%s", (_, call, message) => {
    const server = new SocketIoServer(newStack(), "Chat", { functions });

    expect(() => call(server)).toThrow(`Realtime/Chat: ${message}`);
  });

  test("an application that does not exist", () => {
    expect(() => new SocketIoServer(newStack(), "Chat", { app: "nowhere/app.ts" })).toThrow(
      "The application nowhere/app.ts does not exist.",
    );
  });
});
