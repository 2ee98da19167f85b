import { readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { ulid } from "ulid";
import { signToken } from "../tokens.ts";

const PAGE = new URL("./index.html", import.meta.url);
const SCRIPT = fileURLToPath(new URL("./page.ts", import.meta.url));

/** Answers requests for the demo page; `false` where a request is none of its. */
export type Demo = (request: IncomingMessage, response: ServerResponse) => boolean;

export interface DemoParts {
  /** What the tokens of the page's users are signed with. */
  readonly secret: string;
  /** Publishes an entry, as another back end does. */
  readonly publish: (entry: object) => Promise<unknown>;
}

/** The demo page, with the real client in one bundle. */
export async function createDemo({ secret, publish }: DemoParts): Promise<Demo> {
  const { outputFiles } = await build({
    entryPoints: [SCRIPT],
    ...{ bundle: true, minify: true, format: "esm", target: "es2022", write: false },
  });
  const script = outputFiles[0]?.text ?? "";
  let rows = 0;

  return (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
    switch (`${request.method} ${pathname}`) {
      case "GET /":
        return answer(response, "text/html", readFileSync(PAGE));
      case "GET /demo.js":
        return answer(response, "text/javascript", script);
      case "GET /demo/token":
        void tokenOf(searchParams.get("user") ?? "ann").then((token) =>
          answer(response, "application/json", JSON.stringify({ token })),
        );
        return true;
      case "POST /demo/rows":
        void insertRow().then(() => answer(response, "application/json", "{}"));
        return true;
      default:
        return false;
    }
  };

  function tokenOf(sub: string): Promise<string> {
    return signToken({ sub, org: "acme", projects: ["p1"] }, secret);
  }

  async function insertRow(): Promise<void> {
    rows += 1;
    const data = { _id: ulid().slice(-8), title: `Row ${rows}` };
    await publish({
      ...{ event: "db:create", org: "acme", projectId: "p1", collectionId: "rows" },
      data,
    });
  }
}

function answer(response: ServerResponse, type: string, body: string | Buffer): true {
  response.writeHead(200, { "content-type": `${type}; charset=utf-8` }).end(body);
  return true;
}
