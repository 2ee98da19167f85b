import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { LambdaClient } from "@aws-sdk/client-lambda";
import { createEmitter, type Emitter } from "../client/emitter.ts";
import { readStack } from "../local/template.ts";
import { REGION } from "../local/template-values.ts";
import { required, requiredId } from "./arguments.ts";

const HELP = `Registers integrations: external back ends that clients may call (docs/publishing.md).

  npm run integration -- put file.json --org acme
  npm run integration -- get shop --org acme --project p1
  npm run integration -- list --org acme --project p1
  npm run integration -- remove shop --org acme --project p1

  --org ID          the organisation (required)
  --project ID      the project (get, list, remove)
  --function NAME   the deployment's PublishFunctionName, with AWS's own credentials and region
                    (default: the function of 'npm start' on this machine)
  --url URL         the Lambda endpoint (default: AWS, or http://127.0.0.1:3000 without --function)
  --help            show this help
`;

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = "true";

try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      org: { type: "string" },
      project: { type: "string" },
      url: { type: "string" },
      function: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) console.log(HELP);
  else console.log(JSON.stringify(await run(positionals, values), null, 2));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}

interface Options {
  readonly org?: string | undefined;
  readonly project?: string | undefined;
  readonly url?: string | undefined;
  readonly function?: string | undefined;
}

async function run(
  [verb, subject, ...more]: readonly string[],
  options: Options,
): Promise<unknown> {
  if (more.length > 0) throw new Error(`${verb} takes one argument; remove ${more.join(", ")}.`);
  const { publish } = createEmitter({
    org: requiredId("--org", options.org),
    via: viaOf(options),
  });
  switch (verb) {
    case "put":
      if (options.project !== undefined)
        throw new Error("put takes no --project: the file contains it.");
      return publish({
        event: "integration:put",
        integration: readJson(required("a file", subject)),
      });
    case "get":
      return publish({ event: "integration:get", ...integrationOf(options, subject) });
    case "list":
      if (subject !== undefined) throw new Error(`list takes no argument; remove ${subject}.`);
      return { integrations: await listAll(publish, requiredId("--project", options.project)) };
    case "remove":
      return publish({ event: "integration:remove", ...integrationOf(options, subject) });
    default:
      throw new Error(
        `The command must be put, get, list or remove, not ${verb ?? "empty"}; see --help.`,
      );
  }
}

/** Every page of a project's integrations. */
async function listAll(publish: Emitter["publish"], projectId: string): Promise<unknown[]> {
  const found: unknown[] = [];
  let cursor: string | undefined;
  do {
    const page = (await publish({ event: "integration:list", projectId, cursor })) as Listed;
    found.push(...page.integrations);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return found;
}

interface Listed {
  readonly integrations: readonly unknown[];
  readonly cursor?: string;
}

function integrationOf({ project }: Options, integrationId: string | undefined) {
  return {
    projectId: requiredId("--project", project),
    integrationId: requiredId("an integration's id", integrationId),
  };
}

/** Reads a JSON file, whose content the publish function validates. */
function readJson(file: string): never {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as never;
  } catch (error) {
    throw new Error(`${file} cannot be read as JSON: ${(error as Error).message}.`);
  }
}

function viaOf({ url, function: named }: Options) {
  if (named !== undefined) required("the name of --function", named);
  if (url !== undefined && !/^https?:$/.test(URL.canParse(url) ? new URL(url).protocol : ""))
    throw new Error(`--url must be a URL like http://127.0.0.1:3000, not ${JSON.stringify(url)}.`);
  if (named !== undefined && url === undefined)
    return { lambda: new LambdaClient({}), functionName: named };
  const endpoint = url ?? "http://127.0.0.1:3000";
  const credentials = { accessKeyId: "LOCAL", secretAccessKey: "local" };
  return {
    lambda: new LambdaClient({ endpoint, region: REGION, credentials, maxAttempts: 1 }),
    functionName: named ?? localPublisher(),
  };
}

/** The publish function's name in the template that `npm start` has synthesised. */
function localPublisher(): string {
  const names = readStack(".local/cdk.out").functions.map(({ name }) => name);
  const name = names.find((candidate) => candidate.startsWith("Publish"));
  if (name === undefined) throw new Error("npm start has synthesised no publish function.");
  return name;
}
