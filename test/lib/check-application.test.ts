import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App, Stack } from "aws-cdk-lib";
import { afterAll, expect, test } from "vitest";
import { checkApplication } from "../../lib/check-application.ts";
import { SocketIoServer } from "../../lib/socket-io-server.ts";

const folder = mkdtempSync(join(tmpdir(), "wrong-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** The path of an application with this code. */
function write(name: string, code: string): string {
  const file = join(folder, `${name.replaceAll(" ", "-")}.mjs`);
  writeFileSync(file, code);
  return file;
}

const SERVES = 'export const app = { namespaces: { "/": { authenticate: () => ({}) } } };';

test.each([
  [
    "throws",
    'throw new Error("ROOM_KEY is not set");\nexport const app = {};',
    "ROOM_KEY is not set.",
  ],
  ["throws a text", 'throw "no";', "no."],
  [
    "exports no app",
    "export const application = {};",
    "an application has namespaces: export const app = defineApp({ namespaces }).",
  ],
  ["exits", "process.exit(3);", "it ends the process that loads it."],
  ["is no code", "export const app = ;", "it cannot be bundled."],
])("an application that %s is refused by the file and the error", (name, code, error) => {
  const file = write(name, code);

  expect(() => checkApplication(file, {})).toThrow(`The application ${file}: ${error}`);
});

test("an application that is one is accepted, whatever it prints, with its environment", () => {
  const file = write(
    "prints",
    `console.log("hello"); if (process.env.ROOM_KEY !== "1") throw new Error("none"); ${SERVES}`,
  );

  checkApplication(file, { environment: { ROOM_KEY: "1" } });
  expect(() => checkApplication(file, {})).toThrow("none.");
});

test("a server is not synthesised with an application that throws", () => {
  const app = write("in a stack", 'throw new Error("no");');
  const stack = new Stack(new App({ outdir: join(folder, "out") }), "Stack");

  expect(() => new SocketIoServer(stack, "Chat", { app })).toThrow(`The application ${app}: no.`);
});
