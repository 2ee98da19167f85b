import { required } from "../arguments.ts";
import { OPTIONS, readOptions } from "../start/options.ts";

const HELP = `Runs an application with everything that it would be deployed with, on this machine.

  npx serverless-socket-io start --app FILE [options]

  --app FILE              the file with export const app = defineApp({ … })
${OPTIONS}
`;

/** Runs until Ctrl-C. */
export async function start(args: string[]): Promise<void> {
  const options = readOptions(args);
  if (options === undefined) return console.log(HELP);
  const app = required("--app", options.app);
  await (await import("../start/application.ts")).serve(app, options);
}
