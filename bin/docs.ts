import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { asyncApi } from "./docs/async-api.ts";
import { eventPages } from "./docs/event-pages.ts";

const HELP = `Writes docs/events.md and docs/asyncapi.yaml from the events themselves.

  npm run docs

  --help   this text
`;

try {
  const { values } = parseArgs({ options: { help: { type: "boolean", default: false } } });
  if (values.help) console.log(HELP);
  else {
    writeFileSync("docs/events.md", eventPages());
    writeFileSync("docs/asyncapi.yaml", asyncApi());
    console.log("Wrote docs/events.md and docs/asyncapi.yaml.");
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
