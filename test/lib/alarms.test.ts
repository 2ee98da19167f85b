import { readFileSync } from "node:fs";
import { Match } from "aws-cdk-lib/assertions";
import { describe, expect, test } from "vitest";
import { evaluate } from "../support/metric-math.ts";
import { templateWith } from "../support/template.ts";

interface AlarmProperties {
  readonly Threshold: number;
  readonly TreatMissingData: string;
  readonly ComparisonOperator: string;
  readonly Metrics: readonly {
    readonly Expression?: string;
    readonly MetricStat?: {
      readonly Period: number;
      readonly Metric: { readonly Dimensions: readonly { readonly Value: { Ref: string } }[] };
    };
  }[];
}

const template = templateWith();

/** Every alarm, with the expression of those that compute one. */
const all = (start = "Alarms") =>
  Object.entries(template.findResources("AWS::CloudWatch::Alarm"))
    .filter(([id]) => id.startsWith(start))
    .map(([, { Properties }]) => {
      const { Metrics = [], ...rest } = Properties as AlarmProperties;
      const [expression] = Metrics.flatMap(({ Expression }) => Expression ?? []);
      return { ...rest, Metrics, expression };
    });

function alarm(name: string) {
  const [found] = all(`Alarms${name}`);
  if (found === undefined) throw new Error(`There is no alarm ${name}.`);
  return found;
}

describe("alarms", () => {
  test("go off for what somebody must look at, and notify the topic if there is one", () => {
    const alarmTopicArn = "arn:aws:sns:eu-west-1:000000000000:duty";
    const alarms = Object.values(
      templateWith({ alarmTopicArn }).findResources("AWS::CloudWatch::Alarm"),
    );

    expect(alarms).toHaveLength(18);
    for (const { Properties } of alarms) {
      expect(Properties.AlarmActions).toEqual([alarmTopicArn]);
      expect(Properties.AlarmDescription).toMatch(/^\w+ /);
    }
  });

  test("have a line in the runbook for each alarm, and no other", () => {
    const ids = Object.keys(template.findResources("AWS::CloudWatch::Alarm"));
    const operations = readFileSync("docs/operations.md", "utf8");
    const [, runbook = ""] = /^## Alarms\n(.*?)^## /ms.exec(operations) ?? [];

    const lines = [...runbook.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);
    expect(lines.toSorted()).toEqual(
      ids.map((id) => /^Alarms(\w+)[0-9A-F]{8}$/.exec(id)?.[1]).toSorted(),
    );
  });

  test("go off when the management API fails repeatedly, not when it did once", () => {
    template.hasResourceProperties("AWS::CloudWatch::Alarm", {
      MetricName: "Management5xx",
      Namespace: "ServerlessSocketIo",
      Period: 300,
      Threshold: 10,
    });
  });

  test("go off when one function fails while nobody invokes the others", () => {
    const failures = alarm("FunctionErrors");

    expect(evaluate(failures.expression, { errors2: 1 })).toBe(1);
    // Late values count, too.
    expect(failures).toMatchObject({ EvaluationPeriods: 5, DatapointsToAlarm: 1 });
  });

  test("stay silent at the first deployment, when no metric has a value yet", () => {
    for (const { expression, ...properties } of all()) {
      expect(properties.TreatMissingData).toBe("notBreaching");
      expect(properties.ComparisonOperator).toBe("GreaterThanThreshold");
      if (expression !== undefined)
        expect(evaluate(expression)).toBeLessThanOrEqual(properties.Threshold);
    }
  });

  test("go off when no sweep runs while clients are connected, and only in two periods", () => {
    const { expression, ...overdue } = alarm("SweepOverdue");

    expect(evaluate(expression, { connects: 1 })).toBe(1);
    expect(evaluate(expression, { messages: 1 })).toBe(1);
    expect(evaluate(expression, { connects: 1, messages: 9, sweeps: 1 })).toBe(0);
    expect(evaluate(expression, { sweeps: 2 })).toBe(0);
    // Any two minutes have a sweep, however late it is in its minute; the first clients may connect before the first sweep.
    expect(overdue.Metrics.map(({ MetricStat }) => MetricStat?.Period ?? 120)).toEqual(
      Array.from({ length: 4 }, () => 120),
    );
    expect(overdue).toMatchObject({ DatapointsToAlarm: 2, EvaluationPeriods: 10 });
  });

  test("go off at the first client that cannot connect, or gets no OPEN packet", () => {
    for (const route of ["$connect", "open", "$default", "webhook"])
      template.hasResourceProperties("AWS::CloudWatch::Alarm", {
        MetricName: "RequestsFailed",
        Dimensions: [
          { Name: "route", Value: route },
          { Name: "service", Value: "Test" },
        ],
        Threshold: 0,
      });
  });

  test("go off when API Gateway cannot invoke the server, or repeatedly gets errors from it", () => {
    for (const [MetricName, Threshold] of [
      ["ExecutionError", 0],
      ["IntegrationError", 10],
    ])
      template.hasResourceProperties("AWS::CloudWatch::Alarm", {
        ...{ MetricName, Threshold, Namespace: "AWS/ApiGateway" },
        Dimensions: [
          { Name: "ApiId", Value: { Ref: Match.stringLikeRegexp("^GatewayApi") } },
          { Name: "Stage", Value: Match.anyValue() },
        ],
      });
  });

  test("go off when Lambda drops an asynchronous invocation of any function", () => {
    const functions = Object.keys(template.findResources("AWS::Lambda::Function"));
    const { Metrics } = alarm("AsyncEventsDropped");

    const watched = Metrics.flatMap(({ MetricStat }) => MetricStat?.Metric.Dimensions ?? []);
    expect(watched.map(({ Value }) => Value.Ref).toSorted()).toEqual(functions.toSorted());
  });

  test("are a deployment's own, as is what its functions count", () => {
    const variables = Object.values(template.findResources("AWS::Lambda::Function")).flatMap(
      ({ Properties }) => Properties.Environment?.Variables?.POWERTOOLS_SERVICE_NAME ?? [],
    );

    expect(new Set(variables)).toEqual(new Set(["Test"]));
    template.hasResourceProperties("AWS::CloudWatch::Alarm", {
      MetricName: "PostsFailed",
      Dimensions: [{ Name: "service", Value: "Test" }],
    });
  });
});
