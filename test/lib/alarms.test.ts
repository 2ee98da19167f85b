import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { evaluate } from "../support/metric-math.ts";
import { templateWith } from "../support/template.ts";

describe("alarms", () => {
  test("go off for what somebody must look at, and tell a topic where there is one", () => {
    const alarmTopicArn = "arn:aws:sns:eu-west-1:000000000000:duty";
    const alarms = Object.values(
      templateWith({ alarmTopicArn }).findResources("AWS::CloudWatch::Alarm"),
    );

    expect(alarms).toHaveLength(7);
    for (const { Properties } of alarms) {
      expect(Properties.AlarmActions).toEqual([alarmTopicArn]);
      expect(Properties.AlarmDescription).toMatch(/^\w+ /);
    }
  });

  test("have a line in the runbook for each alarm, and no other", () => {
    const ids = Object.keys(templateWith().findResources("AWS::CloudWatch::Alarm"));
    const [, runbook = ""] = readFileSync("docs/operations.md", "utf8").split("## ");

    const lines = [...runbook.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);
    expect(lines.toSorted()).toEqual(
      ids.map((id) => /^Alarms(\w+)[0-9A-F]{8}$/.exec(id)?.[1]).toSorted(),
    );
  });

  test("call somebody when the management API fails again and again, not when it did once", () => {
    templateWith().hasResourceProperties("AWS::CloudWatch::Alarm", {
      MetricName: "Management5xx",
      Namespace: "ServerlessSocketIo",
      Period: 300,
      Threshold: 10,
    });
  });

  test("call somebody when one function fails while nobody calls the others", () => {
    const [failures] = Object.values(
      templateWith().findResources("AWS::CloudWatch::Alarm", {
        Properties: { AlarmDescription: "a function failed" },
      }),
    );
    const metrics = (failures?.Properties.Metrics ?? []) as readonly { Expression?: string }[];
    const [sum] = metrics.flatMap(({ Expression }) => Expression ?? []);

    expect(evaluate(sum, { errors2: 1 })).toBe(1);
    // What comes late is seen all the same.
    expect(failures?.Properties).toMatchObject({ EvaluationPeriods: 5, DatapointsToAlarm: 1 });
  });

  test("are a deployment's own, as is what its functions count", () => {
    const template = templateWith();
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
