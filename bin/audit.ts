import { execFile } from "node:child_process";
import { parseArgs } from "node:util";
import * as z from "zod";

const HELP = `Checks the packages that run in production for known vulnerabilities in the registry.

  npm run audit

Fails if one is high or critical. If the registry cannot be reached, prints that and does not fail:
an unavailable network is no finding about the packages.

  --help   show this help
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
    console.log("The registry could not be reached: the packages were not checked.");
    return;
  }
  const { metadata, vulnerabilities } = report.data;
  const { low, moderate, high, critical } = metadata.vulnerabilities;
  console.log(
    `${metadata.dependencies.prod} packages: ${critical} critical, ${high} high, ${moderate} moderate, ${low} low.`,
  );
  const severe = Object.entries(vulnerabilities).filter(([, { severity }]) =>
    ["high", "critical"].includes(severity),
  );
  for (const [name, { severity }] of severe) console.log(`${severity}: ${name}`);
  if (severe.length > 0) process.exitCode = 1;
}

/** The output of npm, whose exit code is not 0 if it has found vulnerabilities. */
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
