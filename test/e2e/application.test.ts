import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App, Stack } from "aws-cdk-lib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SocketIoServer } from "../../lib/socket-io-server.ts";
import { readBundles } from "../../local/bundles.ts";
import type { LocalStack } from "../../local/stack.ts";
import { client, connected } from "../support/people.ts";
import { startFromAssembly } from "../support/running.ts";

const APP = "test/support/application.ts";
const assembly = mkdtempSync(join(tmpdir(), "application-"));
let stack: LocalStack;

beforeAll(async () => {
  // The CDK's command sets it, so that assets can be found in the template.
  const app = new App({ outdir: assembly, context: { "aws:cdk:enable-asset-metadata": true } });
  new SocketIoServer(new Stack(app, "Speech"), "Server", { app: APP }).addEdge();
  app.synth();
  stack = await startFromAssembly(assembly);
}, 120_000);

afterAll(async () => {
  await stack.stop();
  rmSync(assembly, { recursive: true });
});

test("an application of one file is served as its construct deploys it", async () => {
  const connect = () => connected(client({}, stack.url));
  const [ann, ben] = await Promise.all([connect(), connect()]);
  const received = [ann, ben].map(
    (socket) => new Promise((resolve) => socket.once("said", resolve)),
  );

  expect(await ann.emitWithAck("say", { text: "hello" })).toEqual({ length: 5 });

  expect(await Promise.all(received)).toEqual(["hello", "hello"]);
});

test("each of its bundles has the application, nothing of the contract, and no path outside the project", () => {
  const bundles = readBundles(assembly);

  expect(bundles).toHaveLength(4);
  for (const { files } of bundles) {
    expect(files).toContain(APP);
    expect(files.filter((file) => /^(\.\.|\/|lambdas\/mudbase\/)/.test(file))).toEqual([]);
  }
});
