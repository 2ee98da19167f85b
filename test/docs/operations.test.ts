import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { onlyIn, templateWith } from "../support/template.ts";

const page = readFileSync("docs/operations.md", "utf8");
/** A deployment with everything that the page speaks of. */
const template = templateWith({
  accessLogs: true,
  demo: true,
  apiDomainName: "direct.example.org",
  apiCertificateArn: "arn:aws:acm:eu-west-1:000000000000:certificate/a",
});
const idsOf = (type: string): readonly string[] => Object.keys(template.findResources(type));

describe("docs/operations.md", () => {
  test("names the log group of each function and of the API, as CloudFormation begins their names", () => {
    const [, section = ""] = /^## Logs\n(.*?)^### /ms.exec(page) ?? [];
    const named = [...section.matchAll(/^\| .+ \| `ServerlessSocketIo-(\w+)` \|$/gm)].map(
      ([, start = ""]) => start,
    );
    const groups = idsOf("AWS::Logs::LogGroup").map((id) => id.slice(0, -8));

    expect(named.toSorted()).toEqual(groups.toSorted());
  });

  test("counts the alarms", () => {
    expect(idsOf("AWS::CloudWatch::Alarm")).toHaveLength(18);
    expect(page).toContain("eighteen alarms");
  });

  test("names outputs that a deployment has", () => {
    const outputs = Object.keys(template.toJSON().Outputs as object);
    const named = [...page.matchAll(/outputs? `(\w+)`(?: \(or `(\w+)`\))?/g)].flatMap(
      ([, ...names]) => names.filter((name) => name !== undefined),
    );

    expect(named).toEqual(expect.arrayContaining(["EdgeDomainName", "ApiDomainTarget"]));
    expect(named.filter((name) => !outputs.includes(name))).toEqual([]);
  });

  test("restores the table with what the template gives it", () => {
    const table = onlyIn(template)("AWS::DynamoDB::Table") as Readonly<Record<string, unknown>>;

    expect(table.id).toMatch(/^StateItems/);
    expect(page).toContain("`StateItems…`");
    expect(table.TimeToLiveSpecification).toEqual({ AttributeName: "expiresAt", Enabled: true });
    expect(page).toContain("Enabled=true,AttributeName=expiresAt");
    expect(table.PointInTimeRecoverySpecification).toEqual({ PointInTimeRecoveryEnabled: true });
    expect(table.GlobalSecondaryIndexes).toMatchObject([{ IndexName: "byShard" }]);
  });

  test("quotes what the functions log", () => {
    const sources = readdirSync("lambdas", { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts"))
      .map((file) => readFileSync(`lambdas/${file}`, "utf8"));
    const quoted = [...page.matchAll(/"([a-z]+(?: [\w$]+){2,})"/gi)].map(([, text = ""]) => text);

    expect(quoted.length).toBeGreaterThan(10);
    // API Gateway's own text.
    const own = quoted.filter((text) => text !== "Internal server error");
    expect(own.filter((text) => !sources.some((source) => source.includes(text)))).toEqual([]);
  });
});
