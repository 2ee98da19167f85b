import { faultOf } from "../../lib/check-application.ts";
import { type LocalAdmin, localAdmin } from "../../local/admin.ts";
import { startApplication } from "../../local/application.ts";
import { prepareDataFolder } from "../../local/data-folder.ts";
import { tryToListen } from "../../local/listening.ts";
import type { LocalStack } from "../../local/stack.ts";
import { watchFiles } from "../../local/watch.ts";
import type { StartOptions } from "./options.ts";

/** How functions run in a terminal. */
export const IN_TERMINAL = {
  /** Executions of a function at the same time: a new account has as many for all its functions. */
  concurrency: 10,
  // Metrics in CloudWatch's log format would be noise.
  environment: { POWERTOOLS_METRICS_DISABLED: "true" },
  log: (functionName: string, text: string) => process.stdout.write(`[${functionName}] ${text}`),
};

/** Checks what would fail only after the half minute that a synthesis may take. */
export async function prepare({ host, port, data }: StartOptions): Promise<void> {
  // The SDK would warn at every start if this machine's Node is older than Lambda's.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = "true";
  await tryToListen({ host, port });
  if (data !== undefined) await prepareDataFolder(data);
  console.log("Synthesising the stack …");
}

/** Runs an application until Ctrl-C, and says where clients connect. */
export async function serve(app: string, options: StartOptions): Promise<void> {
  await prepare(options);
  const { watch, admin: hasAdmin, ...rest } = options;
  const admin = hasAdmin ? localAdmin() : undefined;
  const running = await startApplication({
    ...{ ...rest, ...IN_TERMINAL, app },
    props: { admin: admin?.props },
    secrets: { ...rest.secrets, ...admin?.secrets },
  });
  const { stack } = running;
  if (watch)
    watchFiles(running.files, async () => {
      try {
        await running.reload();
        console.log(`${app} has changed, and runs.`);
        return true;
      } catch (error) {
        console.error(`${faultOf(app, error).message} What ran before still runs.`);
        return false;
      }
    });
  console.log(`
${app} is ${served(stack)}

const socket = io("${stack.url}");

${closingLines(stack, "ServerPublish", admin)}`);
  stopOnSignal(stack);
}

/** What follows for everybody: how back ends publish, whoever watches, and how to stop. */
export const closingLines = (
  stack: LocalStack,
  publish: string,
  admin: LocalAdmin | undefined,
): string => `Back ends publish (docs/publishing.md):

URL=${stack.url} PUBLISH=${stack.functions.named(publish)} BUS=${stack.busNames[0]}
${invitation(stack, admin)}
Ctrl-C stops everything.`;

/** How to watch in the Admin UI, where there is one. */
const invitation = ({ url }: LocalStack, admin: LocalAdmin | undefined): string =>
  admin === undefined
    ? ""
    : `
Socket.IO's Admin UI (https://admin.socket.io, or its package's folder ui/dist) takes
  server URL ${url}
  username   ${admin.username}
  password   ${admin.password}
`;

/** Where clients connect, and how. */
export function served({ url, stagePath, polls }: LocalStack): string {
  const line = `served at ${url} (path /socket.io/, or ${stagePath} with addTrailingSlash: false).`;
  if (!polls) return line;
  return `${line}
Clients that name no transports begin with long polling at /socket.io/, and are upgraded.`;
}

export function stopOnSignal(stack: LocalStack): void {
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => void stack.stop().then(() => process.exit(0)));
}
