import { App } from "aws-cdk-lib";
import { readSettings } from "../lib/config.ts";
import { RealtimeStack } from "../lib/realtime-stack.ts";

const app = new App();
try {
  const settings = readSettings((name) => app.node.tryGetContext(name));
  new RealtimeStack(app, "ServerlessSocketIo", settings);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
