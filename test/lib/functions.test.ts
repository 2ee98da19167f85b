import { Match } from "aws-cdk-lib/assertions";
import { describe, expect, test } from "vitest";
import { onlyIn, statements, templateWith } from "../support/template.ts";

const template = templateWith();
const only = onlyIn(template);

describe("reserved concurrency", () => {
  const reserved = (settings: Readonly<Record<string, unknown>>) =>
    Object.entries(templateWith(settings).findResources("AWS::Lambda::Function"))
      .map(([id, { Properties }]) => [id, Properties.ReservedConcurrentExecutions] as const)
      .filter(([, concurrency]) => concurrency !== undefined);

  test("is none by default, because a new account has ten executions in all", () => {
    expect(reserved({})).toEqual([]);
  });

  test("reserves executions for sockets and their heartbeat", () => {
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

  test("gets its limits and heartbeat from the settings", () => {
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

  test("of every function have a maximum age and a number of retries", () => {
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
      // Lambda retries a minute later; what is older by then would not be retried.
      ["Heartbeat", 120, 1],
      ["Publish", 3600, 2],
      ["Socket", 60, 0],
    ]);
    expect([...invoked].map((id) => id.replace(/[0-9A-F]{8}$/, "")).toSorted()).toEqual(
      configured.map(([name]) => name).toSorted(),
    );
  });

  test("of functions that invoke themselves are allowed: Lambda would stop a large room's chain after sixteen", () => {
    const recursive = Object.keys(functions).filter((id) => reachedFrom(id).has(id));

    expect(recursive).toHaveLength(3);
    for (const [id, { Properties }] of Object.entries(functions))
      expect([id, Properties.RecursiveLoop]).toEqual([
        id,
        recursive.includes(id) ? "Allow" : undefined,
      ]);
  });
});

describe("the heartbeat", () => {
  test("is invoked for every full minute, with that minute, and again if that failed", () => {
    template.hasResourceProperties("AWS::Scheduler::Schedule", {
      ScheduleExpression: "cron(* * * * ? *)",
      Target: {
        Arn: { "Fn::GetAtt": [only("AWS::Lambda::Function", "Heartbeat").id, "Arn"] },
        Input: '{"scheduledTime":"<aws.scheduler.scheduled-time>"}',
        RetryPolicy: { MaximumRetryAttempts: 5, MaximumEventAgeInSeconds: 60 },
      },
    });
  });

  test("gets the interval of pings and the number of shards", () => {
    const given = templateWith({ pingInterval: 120_000, shards: 3 });
    const heartbeat = Object.entries(given.findResources("AWS::Lambda::Function")).find(([id]) =>
      id.startsWith("Heartbeat"),
    );

    const { HEARTBEAT, LIMITS } = heartbeat?.[1].Properties.Environment.Variables ?? {};
    expect(JSON.parse(HEARTBEAT)).toMatchObject({ pingInterval: 120_000 });
    expect(JSON.parse(LIMITS)).toMatchObject({ shards: 3 });
  });
});
