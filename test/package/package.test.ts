import { spawn } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { build } from "esbuild";
import { publint } from "publint";
import { io } from "socket.io-client";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { PACKAGES } from "../../bin/pack/packages.ts";
import { until } from "../support/until.ts";

const KB = 1000;
const MB = 1000 * KB;

/** Two projects outside of this repository: of a server, and of a page. */
const folder = mkdtempSync(join(tmpdir(), "package-"));
const project = join(folder, "project");
const page = join(folder, "page");

/** The files that a page has its reader write, by their names. */
const filesIn = (document: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    [...readFileSync(document, "utf8").matchAll(/```[jt]s\n\/\/ (\S+\.\w+)\n(.*?)```/gs)].map(
      ([, file = "", text = ""]) => [file, text],
    ),
  );
/** Those of the package's own page, and those of this repository's, in a folder of theirs. */
const FILES = filesIn("bin/pack/serverless-socket-io.md");
const PAGE_ONE = filesIn("README.md");
const pageOne = join(project, "page-one");
const TSCONFIG = {
  compilerOptions: {
    strict: true,
    module: "nodenext",
    target: "es2023",
    noEmit: true,
    types: ["node"],
  },
  include: ["*.ts", "*.cts", "realtime", "page-one"],
};
/** What a back end in CommonJS does with the client. */
const BACK_END = `
import { LambdaClient } from "@aws-sdk/client-lambda";
import { connect } from "serverless-socket-io-client";
import { createEmitter } from "serverless-socket-io-client/emitter";
import { signToken } from "serverless-socket-io-client/token";

const via = { lambda: new LambdaClient({}), functionName: "Publish" };
export const emitter = createEmitter({ org: "acme", via });
export const token: Promise<string> = signToken({ sub: "ann", org: "acme", projects: "*" }, "secret");
export function enter(url: string): void {
  const socket = connect(url, { token: () => token, reconnectionDelayMax: 10_000 });
  socket.on("message:new", ({ message }) => console.log(message.sender));
  socket.emit("chat:join", { chatId: "c", projectId: "p" }, (answer) => {
    if ("error" in answer) console.log(answer.error.code);
  });
  socket.timeout(1000).emit("custom:join", { room: "garden" }, (error, answer) => {
    if (!error && !("error" in answer)) console.log(answer.room);
  });
  socket.on("custom:move", ({ x }: { x: number }) => console.log(x));
}
`;

/** A stack with two servers, of which one has all that a construct offers. */
const OWN_STACK = `
import { App, Stack } from "aws-cdk-lib";
import { Certificate } from "aws-cdk-lib/aws-certificatemanager";
import { Code, Function, Runtime } from "aws-cdk-lib/aws-lambda";
import { Topic } from "aws-cdk-lib/aws-sns";
import { SocketIoServer, type SocketIoServerProps } from "serverless-socket-io/cdk";

const stack = new Stack(new App({ context: { "aws:cdk:bundling-stacks": [] } }), "Own");
const props: SocketIoServerProps = { app: "realtime/app.ts", transports: ["websocket"] };
new SocketIoServer(stack, "Chat", props);
const game = new SocketIoServer(stack, "Game", { ...props, heartbeat: { pingInterval: 60_000 } });
const arn = "arn:aws:acm:us-east-1:123456789012:certificate/1234abcd-12ab";
const certificate = Certificate.fromCertificateArn(stack, "Certificate", arn);
game.addEdge({ name: { domainName: "game.example.org", certificate } });
game.addDomainName("direct.example.org", certificate);
game.addAlarms({ topic: new Topic(stack, "OnDuty") });
game.addDashboard({ failures: [game.metric("Events", { outcome: "internal" })] });
const [handler, runtime, code] = ["index.handler", Runtime.NODEJS_22_X, Code.fromInline("0")];
game.grantPublish(new Function(stack, "BackEnd", { handler, runtime, code }));
`;

/** Runs a command to its end; throws all that it has printed if it fails. */
async function run(cwd: string, command: string): Promise<string> {
  const [program = "", ...args] = command.split(" ");
  const child = spawn(program, args, { cwd, env: { ...process.env, NODE_OPTIONS: "" } });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (printed += text));
  const code = await new Promise((ended) => child.on("close", ended));
  if (code !== 0) throw new Error(`${command}: ${printed}`);
  return printed;
}

/** Starts the package's command; `printed` resolves with a match of what it prints. */
function begin(cwd: string, ...args: readonly string[]) {
  const command = join(project, "node_modules/.bin/serverless-socket-io");
  const child = spawn(command, args, { cwd });
  let all = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (all += text));
  const ended = new Promise((resolve) => child.on("close", resolve));
  return {
    async printed(pattern: RegExp): Promise<RegExpExecArray> {
      const match = await until(() => pattern.exec(all));
      return match as RegExpExecArray;
    },
    async stop(): Promise<void> {
      child.kill("SIGTERM");
      await ended;
    },
  };
}

function write(into: string, files: Readonly<Record<string, string>>): void {
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(into, file)), { recursive: true });
    writeFileSync(join(into, file), text);
  }
}

const { version } = JSON.parse(readFileSync("package.json", "utf8")) as {
  readonly version: string;
};
const tarballOf = (name: string): string => resolve("dist", `${name}-${version}.tgz`);
const INSTALL = "npm install --prefer-offline --no-audit --no-fund --ignore-scripts";

beforeAll(async () => {
  const [server, client] = PACKAGES.map(({ name }) => tarballOf(name));
  write(project, {
    ...FILES,
    "package.json": '{ "private": true, "type": "module" }',
    "tsconfig.json": JSON.stringify(TSCONFIG),
    "back-end.cts": BACK_END,
    "own.ts": OWN_STACK,
  });
  write(pageOne, PAGE_ONE);
  write(page, {
    "package.json": '{ "private": true, "type": "module" }',
    "page.js":
      'import { connect } from "serverless-socket-io-client"; globalThis.connect = connect;',
  });
  await run(".", "npm run --silent pack");
  const types = "typescript@~5.9.0 @types/node@^24";
  const clients = "socket.io-client @aws-sdk/client-lambda @aws-sdk/client-eventbridge";
  await Promise.all([
    run(page, `${INSTALL} ${client}`),
    run(project, `${INSTALL} ${server} ${client} ${clients} ${types}`),
  ]);
  // The compiler takes its time, and checks meanwhile.
  const outdir = join(project, "out");
  await build({
    entryPoints: ["cdk.ts", "own.ts", "realtime.test.ts", "page-one/cdk.ts"],
    absWorkingDir: project,
    outdir,
  });
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Licence {
  readonly type: string;
}

/** The manifests of everything that is installed in a project. */
const installed = (where: string) =>
  readdirSync(join(where, "node_modules"), { recursive: true })
    .map(String)
    .filter((file) => /(^|node_modules\/)(@[^/]+\/)?[^@/.][^/]*\/package\.json$/.test(file))
    .map(
      (file) =>
        JSON.parse(readFileSync(join(where, "node_modules", file), "utf8")) as {
          readonly name: string;
          /** Of an old package, an object or a list. */
          readonly license?: string | Licence;
          readonly licenses?: readonly Licence[];
        },
    );

const bytesOf = (path: string): number => {
  const files = readdirSync(path, { recursive: true }).map((file) => join(path, String(file)));
  return files.map((file) => statSync(file).size).reduce((sum, size) => sum + size, 0);
};

/** Prints a size for docs/performance.md. */
const note = (what: string, bytes: number) => console.log(`${what}: ${(bytes / KB).toFixed(1)} KB`);

describe.each(PACKAGES)("the package $name", ({ name }) => {
  test("is a tarball below 1 MB", () => {
    const { size } = statSync(tarballOf(name));
    note(`the tarball of ${name}`, size);

    expect(size).toBeLessThan(MB);
  });

  test("has a manifest that is right for every module system", async () => {
    const { messages } = await publint({ pkgDir: join("dist", name), pack: false, strict: true });

    expect(messages).toEqual([]);
  });

  test("holds built files alone, each with its declarations and its source map", () => {
    const root = join(project, "node_modules", name);
    const files = readdirSync(root, { recursive: true }).map(String);
    const built = files.filter((file) => file.endsWith(".js"));
    const mapped = built.filter((file) => files.includes(`${file}.map`));

    expect(files.filter((file) => /(?<!\.d)\.ts$|^test\/|mudbase/.test(file))).toEqual([]);
    // The code that runs in CloudFront, and what runs a function on this machine, are written in JavaScript.
    expect(built.filter((file) => !mapped.includes(file))).toEqual(
      name.endsWith("client") ? [] : ["lib/edge-function.js", "local/lambda-runtime.js"],
    );
    expect(mapped.filter((file) => !files.includes(file.replace(/\.js$/, ".d.ts")))).toEqual([]);
    expect(files).toEqual(expect.arrayContaining(["LICENSE", "README.md", "CHANGELOG.md"]));
  });

  test("names no folder of the machine that built it", () => {
    const root = join(project, "node_modules", name);
    const files = readdirSync(root, { recursive: true }).map((file) => join(root, String(file)));
    const naming = files.filter(
      (file) => statSync(file).isFile() && readFileSync(file, "utf8").includes(process.cwd()),
    );

    expect(naming).toEqual([]);
  });
});

test("an install of the client is below 10 MB, and has nothing of AWS", () => {
  const bytes = bytesOf(join(page, "node_modules"));
  note("an install of the client and socket.io-client", bytes);

  expect(bytes).toBeLessThan(10 * MB);
  expect(installed(page).filter(({ name }) => /aws|constructs|smithy/.test(name))).toEqual([]);
});

test("an install of the server is what the CDK and the AWS SDK take, and little more", () => {
  const own = bytesOf(join(project, "node_modules/serverless-socket-io"));
  note("the installed package serverless-socket-io, unpacked", own);
  note(
    "a project with both packages, the CDK and TypeScript",
    bytesOf(join(project, "node_modules")),
  );

  expect(own).toBeLessThan(5 * MB);
});

test("no install brings a licence that asks for more than a notice", () => {
  const FREE =
    /^\(?(MIT|MIT-0|ISC|Apache-2\.0|BSD-[23]-Clause|0BSD|Unlicense|BlueOak-1\.0\.0|CC0-1\.0)\b/;
  const all = [...installed(project), ...installed(page)].map(
    ({ name, license, licenses = [] }) => {
      const [one = licenses[0]] = [license];
      return `${name}: ${typeof one === "object" ? one.type : one}`;
    },
  );

  expect(all.length).toBeGreaterThan(100);
  expect(all.filter((line) => !FREE.test(line.split(": ")[1] ?? ""))).toEqual([]);
});

test("bundled for a browser, the client is small: 45 KB, and 8 KB besides socket.io-client", async () => {
  const sizes = [[], ["socket.io-client"]].map(async (external) => {
    const { outputFiles } = await build({
      ...{ entryPoints: [join(page, "page.js")], bundle: true, minify: true, write: false },
      ...{ platform: "browser", format: "esm", external },
    });
    return outputFiles[0]?.contents.length;
  });
  const [whole = MB, own = MB] = await Promise.all(sizes);

  note("the client in a page", whole);
  note("the client in a page, without socket.io-client", own);

  expect(whole).toBeLessThan(45 * KB);
  expect(own).toBeLessThan(8 * KB);
});

describe.concurrent("a project of the page's files", () => {
  test("compiles under TypeScript 5.9, strict and without skipLibCheck", async () => {
    expect(await run(project, "node_modules/.bin/tsc -p .")).toBe("");
  });

  test("runs its test, in which stock clients with default options talk", async () => {
    expect(await run(project, "node --test out/realtime.test.js")).toMatch(/^# pass 1$/m);
  });

  test("is synthesised with the props of its stack", async () => {
    await run(project, "env CDK_OUTDIR=cdk.out node out/cdk.js");
    const template = readFileSync(join(project, "cdk.out/Chat.template.json"), "utf8");

    expect(template).toContain('\\"roomsPerSocket\\":50');
    expect(template.match(/"AWS::Lambda::Function"/g)).toHaveLength(5);
  });

  test("has two servers in a stack, with names, alarms and back ends of their own", async () => {
    await run(project, "env CDK_OUTDIR=own.out node out/own.js");
    const template = readFileSync(join(project, "own.out/Own.template.json"), "utf8");
    const { Resources } = JSON.parse(template) as {
      readonly Resources: Readonly<Record<string, { readonly Type: string }>>;
    };
    const countOf = (type: string) =>
      Object.values(Resources).filter(({ Type }) => Type === type).length;

    expect(countOf("AWS::DynamoDB::Table")).toBe(2);
    expect(countOf("AWS::CloudFront::Distribution")).toBe(1);
    expect(countOf("AWS::ApiGatewayV2::DomainName")).toBe(1);
    expect(countOf("AWS::CloudWatch::Dashboard")).toBe(1);
    expect(countOf("AWS::CloudWatch::Alarm")).toBeGreaterThan(10);
  });

  test("is started, and runs changed code while a stock client stays connected", async () => {
    const { printed, stop } = begin(
      project,
      "start",
      "--app",
      "realtime/app.ts",
      "--watch",
      "--port",
      "0",
    );
    const [, url = ""] = await printed(/io\("(.+)"\)[\s\S]*Ctrl-C stops everything/);
    const socket = io(url);
    expect(await socket.emitWithAck("join", "garden")).toBe("joined");
    const { id } = socket;
    const ended = vi.fn();
    socket.on("disconnect", ended);

    const changed = FILES["realtime/app.ts"]?.replace('"joined"', '"entered"') ?? "";
    write(project, { "realtime/app.ts": changed });
    await printed(/realtime\/app\.ts has changed, and runs\./);
    const answer = await socket.emitWithAck("join", "garden");
    write(project, { "realtime/app.ts": "export const app = ;" });
    await printed(/What ran before still runs\./);

    expect([answer, await socket.emitWithAck("join", "house")]).toEqual(["entered", "entered"]);
    expect([socket.id, ended.mock.calls]).toEqual([id, []]);
    socket.disconnect();
    await stop();
  });

  test.each([
    ["import", "mjs"],
    ["require", "cjs"],
  ])("loads every entry point by %s", async (load, extension) => {
    const names = PACKAGES.flatMap(({ name, exports }) =>
      Object.keys(exports).map((path) => name + path.slice(1)),
    );
    const lines = names.map(
      (name) => `console.log("${name}", Object.keys(await ${load}("${name}")).length > 0);`,
    );
    write(project, { [`load.${extension}`]: `(async () => {\n${lines.join("\n")}\n})();` });

    const printed = await run(project, `node load.${extension}`);
    expect(printed.trim().split("\n")).toEqual(names.map((name) => `${name} true`));
  });
});

describe("page one, in a project", () => {
  test("runs the twenty lines of page one, and its two clients talk", async () => {
    const { printed, stop } = begin(pageOne, "start", "--app", "realtime/app.ts", "--port", "0");
    const [, url = ""] = await printed(/io\("(.+)"\)[\s\S]*Ctrl-C stops everything/);
    const clients = PAGE_ONE["try.mjs"]?.replaceAll("http://127.0.0.1:3000", url) ?? "";
    const ending = 'ben.on("message", () => [ann, ben].map((one) => one.disconnect()));';
    write(pageOne, { "try.mjs": `${clients}${ending}` });

    expect(await run(pageOne, "node try.mjs")).toBe("ben joined\nben received hello\n");
    await stop();
  });

  test("synthesises the stack of page one", async () => {
    await run(pageOne, "env CDK_OUTDIR=cdk.out node ../out/page-one/cdk.js");
    const template = readFileSync(join(pageOne, "cdk.out/Realtime.template.json"), "utf8");

    expect(template).toContain('"AWS::CloudFront::Distribution"');
  });
});
