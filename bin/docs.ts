import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { apiPage, entryPoints } from "./docs/api-page.ts";
import { asyncApi } from "./docs/async-api.ts";
import { clientTypes } from "./docs/client-types.ts";
import { eventPages } from "./docs/event-pages.ts";
import { settingsPage } from "./docs/settings-tables.ts";

const HELP = `Writes docs/events.md, docs/asyncapi.yaml and client/contract.ts from the events themselves,
docs/settings.md from the settings, and docs/api.md from what the packages export.

  npm run docs

  --help   this text
`;

try {
  const { values } = parseArgs({ options: { help: { type: "boolean", default: false } } });
  if (values.help) console.log(HELP);
  else {
    writeFileSync("docs/events.md", eventPages());
    writeFileSync("docs/asyncapi.yaml", asyncApi());
    writeFileSync("client/contract.ts", clientTypes());
    writeFileSync("docs/settings.md", settingsPage());
    // It reads the types of the client.
    writeFileSync("docs/api.md", apiPage(entryPoints()));
    console.log(
      "Wrote docs/events.md, docs/asyncapi.yaml, docs/settings.md, docs/api.md and client/contract.ts.",
    );
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
