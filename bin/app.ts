import { App } from "aws-cdk-lib";
import { readSettings } from "../lib/config.ts";
import { RealtimeStack } from "../lib/realtime-stack.ts";

const app = new App();
try {
  const settings = readSettings(app.node.getAllContext());
  new RealtimeStack(app, settings.stackName, settings);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
