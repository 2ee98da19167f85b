import { execFile } from "node:child_process";
import { parseArgs } from "node:util";
import * as z from "zod";

const HELP = `Asks the registry for known vulnerabilities of the packages that run in production.

  npm run audit

Fails where one is high or critical. Where the registry cannot be asked, it says so and does not fail:
a network that is down says nothing about the packages.

  --help   this text
`;

const Report = z.object({
  metadata: z.object({
    vulnerabilities: z.object({
      low: z.number(),
      moderate: z.number(),
      high: z.number(),
      critical: z.number(),
    }),
    dependencies: z.object({ prod: z.number() }),
  }),
  vulnerabilities: z.record(z.string(), z.object({ severity: z.string() })),
});

try {
  const { values } = parseArgs({ options: { help: { type: "boolean", default: false } } });
  if (values.help) console.log(HELP);
  else await audit();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

async function audit(): Promise<void> {
  const report = Report.safeParse(parse(await npmAudit()));
  if (!report.success) {
    console.log("The registry could not be asked: nothing is known of the packages today.");
    return;
  }
  const { metadata, vulnerabilities } = report.data;
  const { low, moderate, high, critical } = metadata.vulnerabilities;
  console.log(
    `${metadata.dependencies.prod} packages: ${critical} critical, ${high} high, ${moderate} moderate, ${low} low.`,
  );
  const grave = Object.entries(vulnerabilities).filter(([, { severity }]) =>
    ["high", "critical"].includes(severity),
  );
  for (const [name, { severity }] of grave) console.log(`${severity}: ${name}`);
  if (grave.length > 0) process.exitCode = 1;
}

/** What npm prints; it also fails where it has found something. */
function npmAudit(): Promise<string> {
  const args = ["audit", "--omit=dev", "--json"];
  return new Promise((resolve) => {
    execFile("npm", args, { maxBuffer: 2 ** 26, timeout: 60_000 }, (_, stdout) => resolve(stdout));
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
