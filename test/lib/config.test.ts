import { describe, expect, test } from "vitest";
import { readSettings } from "../../lib/config.ts";

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
});
