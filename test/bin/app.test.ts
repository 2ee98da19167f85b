import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { EVERYTHING } from "../support/template.ts";

const folder = mkdtempSync(join(tmpdir(), "app-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** The context that the CDK reads from cdk.json. */
const { context: OWN } = JSON.parse(readFileSync("cdk.json", "utf8")) as { context: object };

/** Runs the CDK app as the CDK does, without bundling. */
function synthesise(settings: object, variables: Readonly<Record<string, string>> = {}) {
  const context = JSON.stringify({ ...OWN, "aws:cdk:bundling-stacks": [], ...settings });
  const env = { ...process.env, ...variables, CDK_CONTEXT_JSON: context, CDK_OUTDIR: folder };
  return spawnSync("node_modules/.bin/tsx", ["bin/app.ts"], { env, encoding: "utf8" });
}

/** The CDK's output for the synthesised app: above all warnings of constructs. */
function cdkOutput() {
  const cdk = ["node_modules/aws-cdk/bin/cdk", "synth", "--quiet", "--app", folder];
  const { stdout, stderr } = spawnSync(process.execPath, cdk, { encoding: "utf8" });
  return stdout + stderr;
}

test("a synthesis with all settings prints no warning, and stackName names the stack and the service of its logs", () => {
  // Other tests leave CloudFormation's rules out.
  const rules = { CDK_VALIDATION: "true" };
  expect(synthesise({ ...EVERYTHING, stackName: "staging" }, rules)).toMatchObject({
    ...{ status: 0, stdout: "", stderr: "" },
  });

  expect(cdkOutput()).toBe("");
  const template = readFileSync(join(folder, "staging.template.json"), "utf8");
  expect(template).toContain('"POWERTOOLS_SERVICE_NAME": "staging"');
});

test("resources outside the region of the deployment are refused; without credentials the region is unknown", () => {
  const settings = { alarmTopicArn: "arn:aws:sns:eu-west-1:000000000000:duty" };
  const region = { CDK_DEFAULT_REGION: "us-east-1" };

  expect(synthesise(settings, { ...region, CDK_DEFAULT_ACCOUNT: "000000000000" })).toMatchObject({
    status: 1,
    stderr: expect.stringContaining("must be in us-east-1, as the stack is"),
  });
  expect(synthesise(settings, region)).toMatchObject({ status: 0 });
});

test("a wrong setting is refused with one sentence, and nothing is synthesised", () => {
  const { status, stdout, stderr } = synthesise({ pingInterval: 7 });

  expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
  expect(stderr).toMatch(/^the setting pingInterval \(7\) is wrong/);
  expect(stderr.trim().split("\n")).toHaveLength(1);
});
