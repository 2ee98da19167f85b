import { ORG, PROJECT } from "../client/demo/scene.ts";
import { signToken } from "../client/token.ts";
import { synthesise } from "../local/assembly.ts";
import { type LocalStack, startStack } from "../local/stack.ts";
import { developmentSecret } from "../local/token-secret.ts";
import { ENVIRONMENT, log, prepare, serve, served, stopOnSignal } from "./start/application.ts";
import { OPTIONS, readOptions, type StartOptions } from "./start/options.ts";

const HELP = `Runs the whole stack on this machine: cdk synth, then the gateway, the functions and the database.

  npm start -- [options]

  --app FILE              serve this application, which exports app = defineApp({ … }), in place of the
                          contract
${OPTIONS}
`;

const ASSEMBLY = ".local/cdk.out";

try {
  const options = readOptions(process.argv.slice(2));
  if (options === undefined) console.log(HELP);
  else if (options.app !== undefined) await serve(options.app, options);
  else await serveContract(options);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}

async function serveContract(options: StartOptions): Promise<void> {
  await prepare(options);
  await synthesise(ASSEMBLY, { edge: "true", demo: "true" });
  const secret = developmentSecret();
  const stack = await startStack({
    ...options,
    ...{ assembly: ASSEMBLY, secret, environment: ENVIRONMENT, log },
  });
  console.log(await welcome(stack, secret));
  stopOnSignal(stack);
}

async function welcome(stack: LocalStack, secret: string): Promise<string> {
  const { url, functions, busNames } = stack;
  const claims = { org: ORG, projects: [PROJECT.projectId] };
  const ann = await signToken({ sub: "ann", ...claims }, secret);
  const ben = await signToken({ sub: "ben", ...claims }, secret);
  return `
Open ${url} to try it, as two users side by side.

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
