import { existsSync, readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import * as z from "zod";
import { ORG, PROJECT } from "../client/demo/scene.ts";
import { signToken } from "../client/token.ts";
import type { AnyLeanApp } from "../lambdas/server/app.ts";
import { checkApp, checkAuthentication } from "../lambdas/server/check-app.ts";
import { Limits } from "../lambdas/server/model/limits.ts";
import { synthesise } from "../local/assembly.ts";
import { prepareDataFolder } from "../local/data-folder.ts";
import { tryToListen } from "../local/listening.ts";
import { millisecondsIn, numberIn } from "../local/numbers.ts";
import { type LocalStack, startStack } from "../local/stack.ts";
import { developmentSecret } from "../local/token-secret.ts";

const HELP = `Runs the whole stack on this machine: cdk synth, then the gateway, the functions and the database.

  npm start -- [options]

  --app FILE              serve this application, which exports app = defineApp({ … }), in place of the
                          contract
  --port PORT             port that clients connect to (default 3000; 0 for any free one)
  --host ADDRESS          address of this machine to listen on (default 127.0.0.1); 0.0.0.0 also accepts
                          other machines, and whoever reaches the port has full access to the stack
  --data DIR              keep the database in this folder (default: in memory)
  --shuffle               delay and reorder the frames of each connection, as the real gateway may
  --cut-every SECONDS     cut each connection after this many seconds on average: a WebSocket at a random age,
                          a third of them without a call of $disconnect, and of the others one half without
                          a close frame, and one half with the close frame (1001) of API Gateway's two hours;
                          a client that polls during a request
  --lose-disconnects P    drop this share of the $disconnect calls, from 0 to 1, those of --cut-every
                          included (default 0, and a third of those of --cut-every)
  --secrets FILE          JSON file with the secrets of integrations, by their ARNs
  --help                  show this help
`;

const ASSEMBLY = ".local/cdk.out";

// The SDK would warn at every start if this machine's Node is older than Lambda's.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = "true";

try {
  const options = readOptions();
  if (options === undefined) console.log(HELP);
  else await start(options);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      app: { type: "string" },
      port: { type: "string", default: "3000" },
      host: { type: "string", default: "127.0.0.1" },
      data: { type: "string" },
      shuffle: { type: "boolean", default: false },
      "cut-every": { type: "string" },
      "lose-disconnects": { type: "string" },
      secrets: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return undefined;
  const cutEvery = values["cut-every"];
  const loseDisconnects = values["lose-disconnects"];
  return {
    app: values.app,
    host: values.host,
    port: numberIn("--port", values.port, 0, 65_535),
    data: values.data,
    secrets: values.secrets === undefined ? {} : secretsIn(values.secrets),
    shuffle: values.shuffle,
    cutEvery: cutEvery === undefined ? undefined : millisecondsIn("--cut-every", cutEvery),
    loseDisconnects:
      loseDisconnects === undefined
        ? undefined
        : numberIn("--lose-disconnects", loseDisconnects, 0, 1),
  };
}

/** What a function would find wrong when the first client comes is told before anything is served. */
async function checkApplication(file: string): Promise<void> {
  if (!existsSync(file) || !statSync(file).isFile())
    throw new Error(`--app ${file}: there is no such file.`);
  try {
    const { app } = (await import(resolve(file))) as { readonly app: AnyLeanApp };
    checkApp(app, (app?.limits ?? Limits).parse({}));
    checkAuthentication(app);
  } catch (error) {
    throw new Error(`--app ${file}: ${error instanceof Error ? error.message : error}`);
  }
}

function secretsIn(file: string): Record<string, string> {
  try {
    return z.record(z.string(), z.string()).parse(JSON.parse(readFileSync(file, "utf8")));
  } catch (cause) {
    throw new Error(`${file} is not a JSON object of secrets by their ARNs.`, { cause });
  }
}

async function start({
  app,
  host,
  port,
  data,
  secrets,
  ...gateway
}: NonNullable<ReturnType<typeof readOptions>>) {
  // Synthesising takes half a minute: invalid options should fail before.
  await tryToListen({ host, port });
  if (app !== undefined) await checkApplication(app);
  if (data !== undefined) await prepareDataFolder(data);
  console.log("Synthesising the stack …");
  await synthesise(ASSEMBLY, app === undefined ? { edge: "true", demo: "true" } : { app });

  const secret = developmentSecret();
  const stack = await startStack({
    assembly: ASSEMBLY,
    host,
    port,
    secret,
    secrets,
    data,
    gateway,
    // Metrics in CloudWatch's log format are noise in a terminal.
    environment: { POWERTOOLS_METRICS_DISABLED: "true" },
    log: (functionName, text) => process.stdout.write(`[${functionName}] ${text}`),
  });
  console.log(app === undefined ? await welcome(stack, secret) : welcomeTo(app, stack));

  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => void stack.stop().then(() => process.exit(0)));
}

/** Where clients connect, and how. */
function served({ url, stagePath, polls }: LocalStack): string {
  const line = `served at ${url} (path /socket.io/, or ${stagePath} with addTrailingSlash: false).`;
  if (!polls) return line;
  return `${line}
Clients that name no transports begin with long polling at /socket.io/, and are upgraded.`;
}

function welcomeTo(app: string, stack: LocalStack): string {
  const { url } = stack;
  return `
${app} is ${served(stack)}

const socket = io("${url}");

Ctrl-C stops everything.`;
}

async function welcome(stack: LocalStack, secret: string): Promise<string> {
  const { url, functions, busNames } = stack;
  const claims = { org: ORG, projects: [PROJECT.projectId] };
  const ann = await signToken({ sub: "ann", ...claims }, secret);
  const ben = await signToken({ sub: "ben", ...claims }, secret);
  return `
Open ${url} in two windows to try it.

Socket.IO is ${served(stack)}

Tokens of two users of the organisation ${ORG} and its project ${PROJECT.projectId}, as the page's are:

ann  ${ann}

ben  ${ben}

Paste this into node, started in this folder:

const { io } = require("socket.io-client");
const connect = (token) => io("${url}", { auth: { token } });
const ann = connect("${ann}");
const ben = connect("${ben}");
ben.on("custom:message", (message) => console.log("ben received", message));
ben.on("connect", () => ann.emit("custom:message", { targetUserId: "ben", message: "hello" }));

Other back ends publish (docs/publishing.md):

URL=${url} PUBLISH=${functions.named("Publish")} BUS=${busNames[0]}

Ctrl-C stops everything.`;
}
