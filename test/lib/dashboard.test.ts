import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { PRICES_DATE } from "../../lib/prices.ts";
import { evaluate } from "../support/metric-math.ts";
import { templateWith } from "../support/template.ts";

const PERFORMANCE = readFileSync("docs/performance.md", "utf8");

interface Graph {
  readonly title: string;
  readonly metrics: readonly (readonly unknown[])[];
}

/** The graphs of the dashboard, in their order. */
function widgets(settings: Readonly<Record<string, unknown>> = {}): readonly Graph[] {
  const [dashboard] = Object.values(
    templateWith(settings).findResources("AWS::CloudWatch::Dashboard"),
  );
  const [, parts = []] = (dashboard?.Properties.DashboardBody["Fn::Join"] ?? []) as [
    string,
    unknown[],
  ];
  const body = parts.map((part) => (typeof part === "string" ? part : "token")).join("");
  return (JSON.parse(body) as { widgets: { properties: Graph }[] }).widgets.map(
    ({ properties }) => properties,
  );
}

// Outside of a test, because the first synthesis loads the CDK.
const byDefault = widgets();

describe("the dashboard", () => {
  test("shows connections, events, fan-out, failures, the database and what it costs", () => {
    expect(byDefault.map(({ title }) => title)).toEqual([
      ...["Connections", "Events by outcome", "Events by domain"],
      ...["Fan-out", "Fan-out, milliseconds", "Sweep"],
      ...["Functions, milliseconds", "Failures", "DynamoDB", "Dollars an hour, about"],
    ]);
  });

  test("shows as connected who is pinged in one round", () => {
    const [connections] = widgets({ pingInterval: 180_000 });

    expect(connections?.metrics[0]).toEqual([
      ...["ServerlessSocketIo", "Pinged", "service", "Test"],
      { label: "Connected", period: 180, stat: "Sum" },
    ]);
  });

  test("adds up events by their outcome, whichever there are", () => {
    const [, outcomes] = byDefault;

    expect(outcomes?.metrics).toEqual([
      [
        expect.objectContaining({
          expression: expect.stringMatching(/^SELECT SUM\("Events"\).* GROUP BY "outcome"/),
        }),
      ],
    ]);
  });

  test("prices an hour of a thousand connections as docs/performance.md does, and a function's time", () => {
    const [dollars] = byDefault.at(-1)?.metrics.flat() ?? [];
    const { expression, label } = dollars as Readonly<Record<"expression" | "label", string>>;
    const rounds = 15 * 1000;
    const heartbeat = { messages: 2 * rounds, pings: rounds, reads: rounds, writes: rounds };
    const [, beating] = /the heartbeat \| \| ([\d.]+)/.exec(PERFORMANCE) ?? [];
    const [, connected] = /\d connection minutes .* \| ([\d.]+)/.exec(PERFORMANCE) ?? [];

    const cost = evaluate(expression, { ...heartbeat, invocations0: rounds });

    expect(label).toContain(PRICES_DATE);
    expect(cost).toBeCloseTo(1000 * (Number(beating) + Number(connected)), 3);
    // A million seconds of 512 MB, and of the 256 MB in which polling waits.
    expect(evaluate(expression, { milliseconds3: 1e9 })).toBeCloseTo(6.6667, 3);
    expect(evaluate(expression, { milliseconds4: 1e9 })).toBeCloseTo(3.3333, 3);
  });
});
