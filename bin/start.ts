import { OPTIONS, readOptions, type StartOptions } from "./start/options.ts";

const HELP = `Runs the whole stack on this machine: cdk synth, then the gateway, the functions and the database.

  npm start -- [options]

  --app FILE              serve this application, which exports app = defineApp({ … }), in place of the
                          contract
${OPTIONS}
`;

try {
  const options = readOptions(process.argv.slice(2));
  if (options === undefined) console.log(HELP);
  else await start(options);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}

/** Loads what runs the stack once the options are known to be good. */
async function start(options: StartOptions): Promise<void> {
  if (options.app === undefined)
    return (await import("./start/contract.ts")).serveContract(options);
  return (await import("./start/application.ts")).serve(options.app, options);
}
