#!/usr/bin/env node
const HELP = `Serverless Socket.IO: a Socket.IO server on API Gateway, Lambda and DynamoDB.

  npx serverless-socket-io start --app FILE   runs an application on this machine
  npx serverless-socket-io token --sub ID     prints a token, for applications whose clients have one
  npx serverless-socket-io doctor --url URL   checks a running endpoint from a client's side

Each explains its options with --help.
`;

/** Each is loaded when it is asked for: a token needs no CDK. */
const COMMANDS: Readonly<Record<string, (args: string[]) => Promise<void>>> = {
  start: async (args) => (await import("./commands/start.ts")).start(args),
  token: async (args) => (await import("./commands/token.ts")).token(args),
  doctor: async (args) => (await import("./commands/doctor.ts")).doctor(args),
};

const [name = "--help", ...args] = process.argv.slice(2);

try {
  const command = COMMANDS[name];
  if (["--help", "-h", "help"].includes(name)) console.log(HELP);
  else if (command === undefined) throw new Error(`There is no command ${name}; see --help.`);
  else await command(args);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
