import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { asyncApi } from "./docs/async-api.ts";
import { clientTypes } from "./docs/client-types.ts";
import { eventPages } from "./docs/event-pages.ts";
import { readme } from "./docs/settings-tables.ts";

const HELP = `Writes docs/events.md, docs/asyncapi.yaml and client/contract.ts from the events themselves, and the
tables of settings in README.md from the settings.

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
    writeFileSync("README.md", readme());
    console.log(
      "Wrote docs/events.md, docs/asyncapi.yaml, client/contract.ts and the settings in README.md.",
    );
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
