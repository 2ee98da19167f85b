import { readFileSync } from "node:fs";
import { readSettings } from "../../lib/config.ts";
import { SETTINGS } from "../../lib/settings.ts";
import { table } from "./markdown.ts";

const BEGIN = "<!-- Written by npm run docs from lib/settings.ts: -->\n";
const END = "<!-- End of the settings. -->";

/** What stands above each table. */
const TITLES: Readonly<Record<keyof typeof SETTINGS, string>> = {
  deployment: "The deployment",
  authentication: "Who may connect",
  connections: "Connections and rooms",
  socketLimits: "What one socket may hold and send",
  userRates: "Rates of a user: ten times as many may come at once; 0 is no limit",
  throttles: "Throttles at API Gateway: half as many may come at once",
  messagesAndIntegrations: "Messages and integrations",
  addresses: "Addresses",
  logsAndAlarms: "Logs and alarms",
};

/** `README.md` as it stands, with the settings between its two markers as the code declares them. */
export function readme(): string {
  const text = readFileSync("README.md", "utf8");
  const [before, rest = ""] = text.split(BEGIN);
  const [, after] = rest.split(END);
  if (before === undefined || after === undefined)
    throw new Error(`README.md has lost a marker: ${BEGIN.trim()} or ${END}`);
  return `${before}${BEGIN}\n${settingsTables()}\n\n${END}${after}`;
}

const settingsTables = (): string =>
  Object.entries(SETTINGS)
    .flatMap(([group, settings]) => [
      `**${TITLES[group as keyof typeof SETTINGS]}**`,
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
