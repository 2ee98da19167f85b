import { readSettings } from "../../lib/config.ts";
import { SETTINGS } from "../../lib/settings.ts";
import { table } from "./markdown.ts";

/** The heading of each table, and what holds for all of it. */
const TITLES: Readonly<Record<keyof typeof SETTINGS, string>> = {
  deployment: "The deployment",
  authentication: "Who may connect",
  connections: "Connections and rooms",
  socketLimits: "What one socket may hold and send",
  userRates: "Rates of a user\n\nTen times as many may come at once; 0 is no limit.",
  throttles: "Throttles at API Gateway\n\nHalf as many may come at once.",
  messagesAndIntegrations: "Messages and integrations",
  addresses: "Addresses",
  logsAndAlarms: "Logs and alarms",
};

/** `docs/settings.md`: the settings as the code declares them. */
export const settingsPage = (): string => `# Settings

Written by \`npm run docs\` from \`lib/settings.ts\`; a test fails when it is stale. They are those of \`npx cdk deploy\`, which deploys the contract: \`-c name=value\`, or in \`cdk.json\` under \`context\`. Each has a default. A wrong value, or a misspelt name, is refused with one sentence before anything is deployed.

\`npx cdk deploy -c app=FILE\` takes \`stackName\` alone. An application in a stack of your own gives the same as props of its construct, \`SocketIoServer\`, which have their units, bounds and defaults in their types.

${settingsTables()}
`;

const settingsTables = (): string =>
  Object.entries(SETTINGS)
    .flatMap(([group, settings]) => [
      `## ${TITLES[group as keyof typeof SETTINGS]}`,
      table(
        ["Setting", "Default", "What it is"],
        Object.entries(settings).map(([name, { description }]) => {
          if (description === undefined) throw new Error(`The setting ${name} has no description.`);
          return [`\`${name}\``, defaultOf(name), description];
        }),
      ),
    ])
    .join("\n\n");

const defaults: Readonly<Record<string, unknown>> = readSettings({});

/** What a setting is if it is not given; its description says what having no value means. */
function defaultOf(name: string): string {
  const value = defaults[name];
  return value === undefined || String(value) === "" ? "–" : String(value);
}
