import { App } from "aws-cdk-lib";
import { readSettings } from "../lib/config.ts";
import { MudbaseStack } from "../lib/mudbase-stack.ts";

const app = new App();
try {
  const settings = readSettings(app.node.getAllContext(), regionOf(process.env));
  new MudbaseStack(app, settings.stackName, settings);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}

/** The region to deploy to; without credentials nothing is deployed, and the CDK's region is a guess. */
function regionOf({ CDK_DEFAULT_ACCOUNT, CDK_DEFAULT_REGION }: NodeJS.ProcessEnv) {
  return CDK_DEFAULT_ACCOUNT === undefined ? undefined : CDK_DEFAULT_REGION;
}
