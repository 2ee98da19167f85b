import { ORG, PROJECT } from "../../client/demo/scene.ts";
import { signToken } from "../../client/token.ts";
import { type LocalAdmin, localAdmin } from "../../local/admin.ts";
import { synthesise } from "../../local/assembly.ts";
import { type LocalStack, startStack } from "../../local/stack.ts";
import { developmentSecret } from "../../local/token-secret.ts";
import { closingLines, IN_TERMINAL, prepare, served, stopOnSignal } from "./application.ts";
import type { StartOptions } from "./options.ts";

const ASSEMBLY = ".local/cdk.out";

/** Runs the contract until Ctrl-C, and says where its clients connect, and with which tokens. */
export async function serveContract(options: StartOptions): Promise<void> {
  await prepare(options);
  const admin = options.admin ? localAdmin() : undefined;
  await synthesise(ASSEMBLY, {
    ...{ edge: "true", demo: "true" },
    ...(admin && { adminSecretArn: admin.props.secretArn, adminReadonly: "false" }),
  });
  const secret = developmentSecret();
  const stack = await startStack({
    ...options,
    ...{ ...IN_TERMINAL, assembly: ASSEMBLY, secret },
    secrets: { ...options.secrets, ...admin?.secrets },
  });
  console.log(await welcome(stack, secret, admin));
  stopOnSignal(stack);
}

async function welcome(
  stack: LocalStack,
  secret: string,
  admin: LocalAdmin | undefined,
): Promise<string> {
  const { url } = stack;
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

${closingLines(stack, "Publish", admin)}`;
}
