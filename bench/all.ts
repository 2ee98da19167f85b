import { parseArgs } from "node:util";

const HELP = `Measures the cost of posts, events, broadcasts, memory and cold starts, and writes
tables and a plot into docs/performance.md. Takes about three minutes.

  npm run bench -- [options]

  --quick  run each benchmark once with small counts, whose numbers mean nothing, and write nothing
  --dry    print the tables and write nothing
  --help   show this help
`;

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = "true";

try {
  const { values } = parseArgs({
    options: {
      quick: { type: "boolean", default: false },
      dry: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) console.log(HELP);
  else {
    // Loads what is measured once the options are known to be good.
    const { bench } = await import("./support/bench.ts");
    await bench({ isQuick: values.quick, writes: !values.quick && !values.dry });
  }
  // Benchmarks may leave sockets open, which would keep the process running.
  process.exit();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
