import { App } from "aws-cdk-lib";
import { ApplicationStack } from "../lib/application-stack.ts";
import { readSettings } from "../lib/config.ts";
import { MudbaseStack } from "../lib/mudbase-stack.ts";

const cdk = new App();
try {
  const { app, ...context } = cdk.node.getAllContext() as Readonly<Record<string, unknown>>;
  const settings = readSettings(context, regionOf(process.env));
  if (app === undefined) new MudbaseStack(cdk, settings.stackName, settings);
  else new ApplicationStack(cdk, settings.stackName, { app: String(app) });
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}

/** The region to deploy to; without credentials nothing is deployed, and the CDK's region is a guess. */
function regionOf({ CDK_DEFAULT_ACCOUNT, CDK_DEFAULT_REGION }: NodeJS.ProcessEnv) {
  return CDK_DEFAULT_ACCOUNT === undefined ? undefined : CDK_DEFAULT_REGION;
}
