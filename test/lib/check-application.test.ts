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
    "exports no app",
    "export const application = {};",
    "an application has namespaces: export const app = defineApp({ namespaces }).",
  ],
  ["exits", `${SERVES} process.exit(3);`, "it ends the process that loads it."],
  ["is no code", "export const app = ;", "it cannot be bundled."],
])("an application that %s is refused by the file and the error", (name, code, error) => {
  const file = write(name, code);

  expect(() => checkApplication(file, {})).toThrow(`The application ${file}: ${error}`);
});

test("a stack in place of its application is refused before it is loaded", () => {
  const file = write("is a stack", 'import "aws-cdk-lib"; process.exit(3);');

  expect(() => checkApplication(file, {})).toThrow(
    /an application has namespaces: export const app/,
  );
});

test("an application may export what another file of it has", () => {
  write("of another file", SERVES);
  const [named, all] = ["{ app }", "*"].map((what, index) =>
    write(`exports another ${index}`, `export ${what} from "./of-another-file.mjs";`),
  );

  expect([named, all].map((file = "") => checkApplication(file, {}))).toEqual([
    undefined,
    undefined,
  ]);
});

test("an application that is one is accepted, whatever it prints, with its environment", () => {
  const file = write(
    "prints",
    `console.log("hello"); if (process.env.ROOM_KEY !== "1") throw new Error("none"); ${SERVES}`,
  );

  expect(checkApplication(file, { environment: { ROOM_KEY: "1" } })).toBeUndefined();
  expect(checkApplication(file, {})).toBe(`The application ${file}: none.`);
});

test("an application that reads what functions have in their environment is accepted", () => {
  const file = write("reads", `if (!process.env.TABLE_NAME) throw new Error("none"); ${SERVES}`);

  expect(checkApplication(file, {})).toBeUndefined();
});

test("an application that throws a text while it is loaded is named with it", () => {
  const file = write("throws a text", `${SERVES} throw "no";`);

  expect(checkApplication(file, {})).toBe(`The application ${file}: no.`);
});

test("a deployment is warned of an application that throws while it is loaded", () => {
  const app = write("throws", `${SERVES} throw new Error("ROOM_KEY is not set");`);
  const cdk = new App({ outdir: join(folder, "out") });

  new SocketIoServer(new Stack(cdk, "Stack"), "Chat", { app });

  const [stack] = cdk.synth().stacks;
  expect(stack?.messages.map(({ level, entry }) => [level, String(entry.data)])).toEqual([
    ["warning", expect.stringContaining(`The application ${app}: ROOM_KEY is not set.`)],
  ]);
});
