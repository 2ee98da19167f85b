import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { EVERYTHING } from "../support/template.ts";

const folder = mkdtempSync(join(tmpdir(), "app-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** The context that the CDK reads of itself. */
const { context: OWN } = JSON.parse(readFileSync("cdk.json", "utf8")) as { context: object };

/** Runs the CDK app as the CDK does, without its bundles. */
function synthesise(settings: object, variables: Readonly<Record<string, string>> = {}) {
  const context = JSON.stringify({ ...OWN, "aws:cdk:bundling-stacks": [], ...settings });
  const env = { ...process.env, ...variables, CDK_CONTEXT_JSON: context, CDK_OUTDIR: folder };
  return spawnSync("node_modules/.bin/tsx", ["bin/app.ts"], { env, encoding: "utf8" });
}

/** What the CDK says when it reads what was synthesised: warnings of constructs above all. */
function said() {
  const cdk = ["node_modules/aws-cdk/bin/cdk", "synth", "--quiet", "--app", folder];
  const { stdout, stderr } = spawnSync(process.execPath, cdk, { encoding: "utf8" });
  return stdout + stderr;
}

test("a synthesis with everything says nothing", () => {
  expect(synthesise(EVERYTHING)).toMatchObject({ status: 0, stdout: "", stderr: "" });

  expect(said()).toBe("");
}, 60_000);

test("the stack has the name it is given, and what is read of its functions tells it, too", () => {
  expect(synthesise({ stackName: "staging" })).toMatchObject({ status: 0 });

  const template = readFileSync(join(folder, "staging.template.json"), "utf8");
  expect(template).toContain('"POWERTOOLS_SERVICE_NAME": "staging"');
});

test("what lies outside the region of the deployment is refused; without credentials the region is a guess", () => {
  const settings = { alarmTopicArn: "arn:aws:sns:eu-west-1:000000000000:duty" };
  const region = { CDK_DEFAULT_REGION: "us-east-1" };

  expect(synthesise(settings, { ...region, CDK_DEFAULT_ACCOUNT: "000000000000" })).toMatchObject({
    status: 1,
    stderr: expect.stringContaining("must be in us-east-1, as the stack is"),
  });
  expect(synthesise(settings, region)).toMatchObject({ status: 0 });
}, 60_000);

test.each([
  [{ stackName: "my stack" }, /^the setting stackName \("my stack"\) is wrong: must be letters/],
  [{ pingInterval: 7 }, /^the setting pingInterval \(7\) is wrong/],
])("%j is refused in one sentence, and nothing is synthesised", (settings, message) => {
  const { status, stdout, stderr } = synthesise(settings);

  expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
  expect(stderr).toMatch(message);
  expect(stderr.trim().split("\n")).toHaveLength(1);
});
