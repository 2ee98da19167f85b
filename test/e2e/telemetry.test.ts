import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, inject, test } from "vitest";
import { REFUSAL_CODES } from "../../lambdas/server/errors.ts";
import { domainOf, METRICS } from "../../lambdas/server/model/telemetry.ts";
import { FAILED_ROUTES } from "../../lib/metrics.ts";
import { PRICES } from "../../lib/prices.ts";
import { NO_FAULTS } from "../../local/fault-injection.ts";
import { LINES_OF_AN_INVOCATION } from "../../local/lambda-lines.ts";
import { events, publications } from "../support/contract.ts";
import {
  BY_WEBSOCKET,
  client,
  connected,
  newOrg,
  people,
  peopleWith,
  refusal,
  tokenFor,
} from "../support/people.ts";
import { publish } from "../support/publishing.ts";
import { rawClient } from "../support/raw.ts";
import { logged, settled, stack, startWithMetricsPeriod } from "../support/running.ts";
import { until } from "../support/until.ts";

type Line = Readonly<Record<string, unknown>>;

const p1 = { projectId: "p1" };

/** The JSON lines that the functions have logged since the last call. */
async function linesOf(work: () => Promise<unknown>): Promise<Line[]> {
  await settled();
  logged.length = 0;
  await work();
  await settled();
  return logged
    .join("")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Line);
}

/** The metrics of a line in CloudWatch's embedded format, by name. */
function metricsIn(line: Line): Line {
  const { CloudWatchMetrics = [] } = (line._aws ?? {}) as {
    readonly CloudWatchMetrics?: readonly { readonly Metrics: readonly { Name: string }[] }[];
  };
  const names = CloudWatchMetrics.flatMap(({ Metrics }) => Metrics.map(({ Name }) => Name));
  return Object.fromEntries(names.map((name) => [name, line[name]]));
}

afterEach(() => stack.faults.setRates(NO_FAULTS));

describe("the cost of logs", () => {
  const DOLLARS_A_MILLION_FRAMES = 0.15;

  /** Bytes of AWS's own lines per frame, by the template. */
  function bytesOfAws(): number {
    const file = join(inject("assembly"), "ServerlessSocketIo.template.json");
    const { Resources } = JSON.parse(readFileSync(file, "utf8")) as {
      readonly Resources: Readonly<Record<string, { Type: string; Properties?: Properties }>>;
    };
    const lines = Object.entries(Resources).flatMap(([id, { Type, Properties }]) => {
      if (Type === "AWS::ApiGatewayV2::Stage") return Properties?.AccessLogSettings?.Format ?? [];
      const isQuiet = Properties?.LoggingConfig?.SystemLogLevel === "WARN";
      return Type === "AWS::Lambda::Function" && /^Socket/.test(id) && !isQuiet
        ? LINES_OF_AN_INVOCATION
        : [];
    });
    return Buffer.byteLength(lines.join("\n"));
  }

  interface Properties {
    readonly LoggingConfig?: { readonly SystemLogLevel?: string };
    readonly AccessLogSettings?: { readonly Format: string };
  }

  test("a frame writes few bytes, its metrics and AWS's own lines included", async () => {
    let bytes = 0;
    let frames = 0;
    const summed = new Set<string>();
    // Far shorter than the minute of a deployment, so each line has the counts of far fewer frames.
    const own = await startWithMetricsPeriod(1000, (name, text) => {
      bytes += Buffer.byteLength(text);
      if (text.includes('"Events"')) summed.add(name);
    });
    const socket = await connected(
      client({ auth: { token: await tokenFor({ org: newOrg() }) } }, own.url),
    );
    await own.idle();
    bytes = 0;

    while (summed.size === 0 || frames < 300) {
      await new Promise((resolve) => socket.emit("custom:event", p1, resolve));
      frames += 1;
    }
    await own.idle();
    await own.stop();

    const perFrame = bytes / frames + bytesOfAws();
    expect(perFrame * 1e6 * (PRICES.logGigabyte / 1e9)).toBeLessThan(DOLLARS_A_MILLION_FRAMES);
  });

  test("a deployment writes at most sixty metrics, and operations.md documents each", () => {
    const names = [...events.keys(), ...publications.keys(), "unknown", "webhook"];
    const domains = new Set(names.map(domainOf));
    const outcomes = ["ok", "published", "refused", ...REFUSAL_CODES];
    const operations = readFileSync("docs/operations.md", "utf8");

    // `Events` and `RequestsFailed` are counted by their dimensions alone.
    const dimensioned = domains.size + outcomes.length + [...FAILED_ROUTES, "webhook"].length;
    expect(METRICS.length - 2 + dimensioned).toBeLessThanOrEqual(60);
    for (const metric of METRICS) expect(operations).toContain(`\`${metric}\``);
  });
});

test("an event is counted by its domain and by its outcome, its fan-out by size, duration and posts", async () => {
  const { ann, ben, eve } = await people("ann", "ben", "eve");
  for (const someone of [ben, eve]) await someone.emit("subscribe:project", "p1");

  const lines = await linesOf(() => ann.emit("custom:event", p1));

  expect(lines).toContainEqual(expect.objectContaining({ Events: 1, event: "custom" }));
  expect(lines).toContainEqual(expect.objectContaining({ Events: 1, outcome: "ok" }));
  const sent = lines.map(metricsIn).filter((metrics) => "FanOut" in metrics);
  // Two others receive it, and ann is acknowledged.
  expect(sent).toEqual([{ FanOut: 3, FanOutDuration: expect.any(Number), Posts: 3 }]);
});

test("a refusal is counted by its code, and no client can create a metric", async () => {
  const { ann } = await people("ann");

  const lines = await linesOf(async () => {
    await ann.emit("custom:event", { projectId: "p2" });
    await ann.emit("no:such:event");
  });

  expect(lines).toContainEqual(expect.objectContaining({ Events: 1, outcome: "forbidden" }));
  expect(lines).toContainEqual(expect.objectContaining({ Events: 1, event: "unknown" }));
  expect(lines).toContainEqual(expect.objectContaining({ Events: 1, outcome: "unknown_event" }));
  expect(JSON.stringify(lines)).not.toContain("no:such:event");
});

test("connections are counted when they open and close, and when they are found gone", async () => {
  const lines = await linesOf(async () => {
    const { ann, ben } = await peopleWith(BY_WEBSOCKET, "ann", "ben");
    await ben.emit("subscribe:project", "p1");
    const before = new Set(stack.gateway.connectionIds());
    ann.socket.disconnect();
    await until(() => stack.gateway.connectionIds().length < before.size);
    await stack.idle();
    for (const connectionId of stack.gateway.connectionIds()) stack.gateway.drop(connectionId);
    await publish({ event: "emit", org: ann.org, to: [{ kind: "org" }], name: "news" });
  });

  const total = (name: string) =>
    lines.reduce((sum, line) => sum + Number(metricsIn(line)[name] ?? 0), 0);
  expect(total("ConnectionsOpened")).toBe(2);
  expect(total("ConnectionsClosed")).toBe(2);
  expect(total("Gone")).toBe(1);
});

test("a failing management API is counted for each attempt, and the acknowledgement still arrives", async () => {
  const { ann } = await peopleWith(BY_WEBSOCKET, "ann");
  const posts: string[] = [];

  const lines = await linesOf(async () => {
    stack.takeCalls();
    stack.faults.setRates({ ...NO_FAULTS, failPosts: 1 });
    const answer = ann.emit("presence:update");
    await until(() => {
      posts.push(
        ...stack.takeCalls().flatMap(({ action }) => (/POST$/.test(action) ? action : [])),
      );
      // The second attempt shows that the first has failed.
      return posts.length >= 2;
    });
    stack.faults.setRates(NO_FAULTS);
    expect(await answer).toEqual({ ok: true });
  });

  expect(lines.map(metricsIn)).toContainEqual(
    expect.objectContaining({ Management5xx: expect.any(Number), Posts: 1 }),
  );
});

/** How often requests of each route have failed. */
const failedRequests = (lines: readonly Line[]) =>
  Object.fromEntries(
    lines
      .filter((line) => "RequestsFailed" in metricsIn(line))
      .map(({ route, RequestsFailed }) => [route, RequestsFailed]),
  );

test("an OPEN after which nothing could be stored is counted, and its connection cut", async () => {
  const lines = await linesOf(async () => {
    stack.faults.setRates({ ...NO_FAULTS, throttle: 1 });
    const { closed } = await rawClient();
    await closed;
    stack.faults.setRates(NO_FAULTS);
  });

  expect(failedRequests(lines)).toMatchObject({ open: 1 });
});

test("a failed webhook is answered with 500 and counted", async () => {
  const lines = await linesOf(async () => {
    stack.faults.setRates({ ...NO_FAULTS, throttle: 1 });
    const { status } = await fetch(`${stack.url}/webhooks/p1/shop`, { method: "POST", body: "{}" });
    expect(status).toBe(500);
  });

  expect(failedRequests(lines)).toEqual({ webhook: 1 });
});

test.each([
  ["once", 1],
  ["for the last time", 3],
])(
  "a part of a large room that cannot be read %s is attempted three times, then dropped and counted",
  async (_, tries) => {
    const audience = { org: "acme", rooms: ["org"], except: [] };
    const part = { emissions: [{ audience, frames: ["2"] }], slice: { without: [] }, tries };

    const lines = await linesOf(async () => {
      stack.faults.setRates({ ...NO_FAULTS, throttle: 1 });
      await stack.functions.invoke(stack.functions.named("FanOut"), part);
    });

    expect(lines.filter(({ level }) => level === "ERROR")).toHaveLength(4 - tries);
    const counts = lines.map(metricsIn).filter((metrics) => "FanOutsFailed" in metrics);
    expect(counts).toEqual([{ FanOutsFailed: 1 }]);
  },
);

test("[EIO2] an OPEN after the client's timeout is not posted, closes the connection, and is counted", async () => {
  const client = await rawClient();
  await client.nextFrame();
  const [connectionId = ""] = stack.gateway.connectionIds();
  const open = (age: number) =>
    stack.functions.invoke(stack.functions.named("Socket"), {
      open: { connectionId, connectedAt: Date.now() - age },
    });

  expect(failedRequests(await linesOf(() => open(10_000)))).toEqual({});
  expect(await client.nextFrame()).toContain('"sid"');
  stack.takeCalls();
  const lines = await linesOf(() => open(20_000));

  expect(stack.takeCalls().map(({ action }) => action)).not.toContain("execute-api:POST");
  expect(await client.closed).toBe(1000);
  expect(failedRequests(lines)).toEqual({ open: 1 });
});

test("a failure is one line with its event, connection, request and cause, and no contents", async () => {
  const { ann } = await peopleWith(BY_WEBSOCKET, "ann");

  const lines = await linesOf(async () => {
    stack.faults.setRates({ ...NO_FAULTS, throttle: 1 });
    expect(
      await ann.emit("message:send", {
        ...{ ...p1, chatId: "lobby", type: "text", content: "a private word" },
        clientMessageId: "a-private-id",
      }),
    ).toEqual(refusal("internal", /^message:send failed$/));
  });

  const failures = lines.filter(({ level }) => level === "ERROR");
  expect(failures).toEqual([
    expect.objectContaining({
      message: "a request failed",
      event: "message:send",
      connectionId: expect.stringMatching(/=$/),
      requestId: expect.any(String),
      function_request_id: expect.any(String),
      error: expect.objectContaining({ name: "ThrottlingException" }),
    }),
  ]);
  expect(JSON.stringify(lines)).not.toMatch(/private|eyJ/);
});

test("the name of a client's event cannot forge a log line", async () => {
  const { ann } = await peopleWith(BY_WEBSOCKET, "ann");
  const forged = '\n{"level":"ERROR","message":"all is lost"}\n';

  const lines = await linesOf(async () => {
    stack.faults.setRates({ ...NO_FAULTS, throttle: 1 });
    await ann.emit(forged);
    await ann.emit("chat:join", { ...p1, chatId: forged });
    stack.faults.setRates(NO_FAULTS);
  });

  expect(lines.length).toBeGreaterThan(0);
  expect(lines.map(({ message }) => message)).not.toContain("all is lost");
});
