import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { readSettings, Settings } from "../../lib/config.ts";

describe("settings of a deployment", () => {
  test("have defaults, so that none needs to be given", () => {
    expect(readSettings({})).toMatchObject({
      pingInterval: 240_000,
      pingTimeout: 120_000,
      maxPayload: 131_072,
      deletionProtection: true,
    });
  });

  test("are read from the command line's text as well as from cdk.json", () => {
    expect(readSettings({ pingInterval: "60000", deletionProtection: "false" })).toMatchObject({
      pingInterval: 60_000,
      deletionProtection: false,
    });
  });

  test.each([
    [{ pingInterval: "soon" }, /the setting pingInterval \("soon"\) is wrong/],
    [{ pingInterval: 7 }, /the setting pingInterval \(7\) is wrong: .*60000/],
    [{ maxPayload: 131_073 }, /maxPayload/],
    // A ping may come a minute late, and takes its time.
    [{ pingTimeout: 89_999 }, /pingTimeout \(89999\) is wrong: .*90000/],
    [{ pingTimeout: 86_400_001 }, /pingTimeout/],
    [{ allowedOrigins: "app.example.org" }, /allowedOrigins/],
    [{ tokenJwksUrl: "http://id.example.org" }, /tokenJwksUrl/],
    [{ tokenSecretArn: "my-secret" }, /tokenSecretArn \("my-secret"\).*ARN/],
    [{ deletionProtection: "perhaps" }, /deletionProtection/],
    [{ pingIntervall: 60_000 }, /there is no setting pingIntervall; there are .*pingInterval/],
    [
      {
        tokenJwksUrl: "https://id.example.org",
        tokenSecretArn: "arn:aws:secretsmanager:eu-west-1:1:secret:a",
      },
      /tokenJwksUrl .* must not be set together with tokenSecretArn/,
    ],
  ])("%j is refused by name", (context, message) => {
    expect(() => readSettings(context)).toThrow(message);
  });

  test("origins may be a list, or separated by commas", () => {
    const origins = ["https://a.example", "http://localhost:3000"];

    for (const allowedOrigins of [origins, origins.join(", ")])
      expect(readSettings({ allowedOrigins })).toMatchObject({ allowedOrigins: origins });
  });

  test("every wrong one is named", () => {
    expect(() => readSettings({ pingInterval: 1, pingTimeout: 1 })).toThrow(
      /pingInterval.*pingTimeout/,
    );
  });

  test("CDK's own context is none", () => {
    const context = { "aws:cdk:bundling-stacks": [], "@aws-cdk/core:target-partitions": ["aws"] };

    expect(() => readSettings(context)).not.toThrow();
  });

  test("have a line in the README each, with their default", () => {
    const [, table = ""] = readFileSync("README.md", "utf8").split("| Setting | Default |");
    const rows = table.slice(0, table.indexOf("\n\n")).matchAll(/^\| (`.*?) \| (.*?) \|/gm);
    const documented = [...rows].flatMap(([, names = "", defaults = ""]) =>
      names.split(", ").map((name, index) => {
        const each = defaults.split(", ");
        return [name.slice(1, -1), each[index] ?? each[0]] as const;
      }),
    );

    expect(documented.map(([name]) => name).toSorted()).toEqual(
      Object.keys(Settings.shape).toSorted(),
    );
    const defaults: Readonly<Record<string, unknown>> = readSettings({});
    for (const [name, given] of documented)
      if (typeof defaults[name] !== "object" && defaults[name] !== undefined)
        expect([name, given]).toEqual([name, String(defaults[name])]);
  });
});
