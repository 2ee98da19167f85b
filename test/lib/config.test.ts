import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { readSettings, Settings } from "../../lib/config.ts";

const certificateArn = "arn:aws:acm:us-east-1:123456789012:certificate/a";
const keyArn = "arn:aws:kms:eu-west-1:123456789012:key/a";
const tokenSecretArn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:mine-AbCdEf";
const tokenJwksUrl = "https://id.example.org/jwks";
const webAclArn = "arn:aws:wafv2:us-east-1:123456789012:global/webacl/a/b";

/** What no browser sends as an origin. */
const ORIGINS = [
  ...["app.example.org", "https://app.example.org/", "https://app.example.org/chat", "*", ""],
  ...["https://*.example.org", "https://App.example.org", "https://app.example.org:443"],
  ...["https://ann@app.example.org", "https://a.example,"],
];

/** The sentence that settings are refused with. */
function refusal(context: Readonly<Record<string, unknown>>): string {
  try {
    return JSON.stringify(readSettings(context));
  } catch (error) {
    return (error as Error).message;
  }
}

const ending = (message: string): RegExp =>
  new RegExp(`: ${message.replaceAll(/[.*+?^${}()|[\]\\/]/g, "\\$&")}\\.$`);

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

  test.each<readonly [Record<string, unknown>, string | RegExp]>([
    [{ pingInterval: "soon" }, "must be a whole number from 60000 to 480000"],
    [{ pingInterval: 7 }, "must be a whole number from 60000 to 480000"],
    [{ pingInterval: 90_000 }, "must be whole minutes, in milliseconds: 60000, 120000 and so on"],
    ...["", " 5 ", "5.5", "1e3", "0x10", "-5", "+5", "5n", "NaN", true, null, [5], 5.5].map(
      (shards) => [{ shards }, "must be a whole number from 1 to 1000"] as const,
    ),
    [{ maxPayload: 131_073 }, "must be a whole number from 1024 to 131072"],
    // A ping may come a minute late, and takes its time.
    [{ pingTimeout: 89_999 }, "must be a whole number from 90000 to 86400000"],
    [{ pingTimeout: 86_400_001 }, "must be a whole number from 90000 to 86400000"],
    [{ logRetentionDays: 8 }, /must be one of 1, 3, 5/],
    [{ logRetentionDays: "0x1e" }, "must be a whole number from 1 to 3653"],
    ...["perhaps", "", "0", 1, null].map(
      (deletionProtection) => [{ deletionProtection }, "must be true or false"] as const,
    ),
    ...["", " ", " me", "me "].map(
      (tokenIssuer) => [{ tokenIssuer }, /must not be empty, or begin or end with a/] as const,
    ),
    [{ tokenIssuer: 5 }, "must be string"],
    ...["http://id.example.org", "id.example.org", "https://a:b@id.example.org/", "https://"].map(
      (tokenJwksUrl) => [{ tokenJwksUrl }, /must be an https URL like/] as const,
    ),
    ...ORIGINS.map((allowedOrigins) => [{ allowedOrigins }, /must be origins/] as const),
    [{ allowedOrigins: 5 }, "must be origins, separated by commas"],
    [
      { allowedOrigins: Array(40).fill(`https://${"a".repeat(50)}.example`) },
      /must be at most 2000 characters together/,
    ],
    [{ allowedOrigins: Array(51).fill("https://a.example") }, /must be 50 at most/],
    ...["", "polling", "websocket,webtransport", "Websocket", [], ["polling"], 5, null].map(
      (transports) =>
        [{ transports }, "must be polling and websocket, or websocket alone"] as const,
    ),
    [{ pollWait: 0 }, "must be a whole number from 1 to 25"],
    [{ pollWait: 26 }, "must be a whole number from 1 to 25"],
    // A GET that waits, and a POST whose handler asks, would leave no room for the answer.
    [{ pollingConcurrency: 2 }, "must be a whole number from 3 to 100000"],
    [{ stackName: "my stack" }, /must be letters, digits and hyphens/],
    [{ integrationSecretPrefix: "integrations" }, "must be a name that ends with /"],
    [
      { domainName: "https://realtime", certificateArn },
      "must be a host name like realtime.example.org",
    ],
    [{ domainName: "-a.example.org", certificateArn }, /must be a host name/],
  ])("%j is refused by name, and with what it must be", (context, message) => {
    expect(refusal(context)).toMatch(message instanceof RegExp ? message : ending(message));
    const [[name, value] = []] = Object.entries(context);
    expect(refusal(context)).toContain(`the setting ${name} (${JSON.stringify(value)}) is wrong: `);
  });

  test.each([
    ["tokenSecretArn", "my-secret"],
    ["tokenSecretArn", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:app/tokens/live"],
    // IAM would take the last word of the name for the six characters.
    ["tokenSecretArn", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:my-secret"],
    ["tokenSecretArn", "arn:aws:secretsmanager:eu-west-1:1:secret:mine-AbCdEf"],
    ["alarmTopicArn", "topic"],
    ["alarmTopicArn", "arn:aws:sqs:eu-west-1:123456789012:queue"],
    ["alarmTopicArn", "arn:aws:sns:eu-west-1:123456789012:"],
    ["apiCertificateArn", "arn:aws:acm:eu-west-1:123456789012:"],
    ["webAclArn", "arn:aws:wafv2:us-east-1:123456789012:regional/webacl/a/b"],
    ["webAclArn", "arn:aws:wafv2:eu-west-1:123456789012:global/webacl/a/b"],
    ["certificateArn", "arn:aws:acm:eu-west-1:123456789012:certificate/a"],
    ["integrationSecretKeyArn", "arn:aws:kms:eu-west-1:123456789012:alias/mine"],
  ])("as %s, %s is refused with a whole one as an example", (name, value) => {
    const message = refusal({ [name]: value });

    expect(message).toMatch(
      new RegExp(`^the setting ${name} \\(".*"\\) is wrong: must be the ARN of`),
    );
    const [, example = ""] = /, like (arn:\S+)\.$/.exec(message) ?? [];
    expect(Settings.shape[name as "webAclArn"].safeParse(example)).toMatchObject({ success: true });
  });

  test.each([
    [{ pingIntervall: 60_000 }, "there is no setting pingIntervall; did you mean pingInterval?"],
    [{ "ping-interval": 60_000 }, "there is no setting ping-interval; did you mean pingInterval?"],
    [{ TRACING: true }, "there is no setting TRACING; did you mean tracing?"],
    [{ colour: "blue" }, "there is no setting colour; docs/settings.md lists all."],
  ])("%j is refused with the nearest name alone", (context, message) => {
    expect(refusal(context)).toBe(message);
  });

  test.each([
    [{ domainName: "realtime.example.org" }, /domainName .* needs certificateArn/],
    [{ certificateArn }, /certificateArn .* needs domainName/],
    [{ apiCertificateArn: certificateArn }, /apiCertificateArn .* needs apiDomainName/],
    [{ tokenSecretKeyArn: keyArn }, /tokenSecretKeyArn .* needs tokenSecretArn/],
    [{ gatewayLogRole: true }, /gatewayLogRole .* needs accessLogs/],
    [{ edge: "false", waf: "true" }, /waf .* needs edge/],
    [{ edge: "false", pollingConcurrency: 3 }, /pollingConcurrency .* needs edge/],
    [
      { transports: "websocket", pollingConcurrency: 3 },
      /pollingConcurrency .* needs polling among transports/,
    ],
    [{ edge: "false", demo: "true" }, /demo .* needs edge/],
    [{ demo: "true", tokenJwksUrl }, /demo .* must not be set together with tokenJwksUrl/],
    [{ waf: "true", webAclArn }, /webAclArn .* must not be set together with waf/],
    [{ tokenJwksUrl, tokenSecretArn }, /tokenJwksUrl .* together with tokenSecretArn/],
    [{ heartbeatConcurrency: 8 }, /heartbeatConcurrency \(8\) .* not be less than shards \(16\)/],
    [
      {
        ...{ domainName: "a.example.org", certificateArn },
        ...{ apiDomainName: "a.example.org", apiCertificateArn: certificateArn },
      },
      /apiDomainName .* must be another name than domainName/,
    ],
  ])("%j do not go together, and are refused by name", (context, message) => {
    expect(refusal(context)).toMatch(message);
  });

  describe("where the stack's region is known", () => {
    test.each([
      [{ tokenSecretArn }, /tokenSecretArn .* must be in ap-south-1, as the stack is/],
      [{ alarmTopicArn: "arn:aws:sns:eu-west-1:123456789012:duty" }, /alarmTopicArn/],
      [{ integrationSecretKeyArn: keyArn }, /integrationSecretKeyArn/],
      [{ apiDomainName: "a.example.org", apiCertificateArn: certificateArn }, /apiCertificateArn/],
      [{ waf: true }, /waf \(true\) .* make a web ACL there and give webAclArn/],
    ])("%j lies in another, and is refused by name", (context, message) => {
      expect(() => readSettings(context, "ap-south-1")).toThrow(message);
    });

    test("what must be in us-east-1 wherever the stack is may be", () => {
      const settings = { domainName: "a.example.org", certificateArn, webAclArn };

      expect(readSettings(settings, "ap-south-1")).toMatchObject(settings);
    });
  });

  test("a web ACL of the stack's own says its region: what lies elsewhere is refused", () => {
    expect(refusal({ waf: true, tokenSecretArn })).toMatch(
      /tokenSecretArn .* must be in us-east-1/,
    );
  });

  test("origins may be a list, or separated by commas", () => {
    const origins = ["https://a.example", "http://localhost:3000"];

    for (const allowedOrigins of [origins, origins.join(", ")])
      expect(readSettings({ allowedOrigins })).toMatchObject({ allowedOrigins: origins });
  });

  test("transports may be a list, or separated by commas, in any order", () => {
    for (const transports of [["websocket", "polling"], "websocket, polling"])
      expect(readSettings({ transports }).transports).toEqual(["polling", "websocket"]);
    expect(readSettings({ transports: "websocket" }).transports).toEqual(["websocket"]);
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

  test("have a line in docs/settings.md each, with their default", () => {
    const [, ...rows] = readFileSync("docs/settings.md", "utf8").split("\n| `");

    expect(rows).toHaveLength(Object.keys(Settings.shape).length);
    for (const [name, value] of Object.entries(readSettings({})))
      if (typeof value !== "object")
        expect(rows).toContainEqual(
          expect.stringMatching(`^${name}\` \\| ${value} \\| [^|\n]+ \\|`),
        );
  });
});
