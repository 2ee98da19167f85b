import { hash } from "node:crypto";
import {
  ApiGatewayManagementApiClient,
  PostToConnectionCommand,
} from "@aws-sdk/client-apigatewaymanagementapi";
import { Pool } from "undici";
import { LeanPostCommand } from "../../lambdas/server/gateway/lean-post.ts";
import { createSigner, encodeSegment } from "../../lambdas/server/gateway/signature.ts";
import { cpuOf, median, startAws } from "./measure.ts";

/** Number of concurrent posts. */
const CONNECTIONS = 50;

const FRAME = `42${JSON.stringify(["message:new", { message: { content: "x".repeat(300) } }])}`;
const CREDENTIALS = { accessKeyId: "KEY", secretAccessKey: "secret", sessionToken: "token" };

/** The cost of one way of posting. */
export interface PostCost {
  readonly way: string;
  /** Microseconds of processor time a post, the median of the rounds. */
  readonly microseconds: number;
}

/** Measures the ways of posting a frame in turns, so that all share the load of the machine. */
export async function measurePosts(
  assembly: string,
  posts: number,
  rounds: number,
): Promise<readonly PostCost[]> {
  const endpoint = await startAws(assembly);
  const management = new ApiGatewayManagementApiClient({
    ...{ endpoint: `${endpoint.url}/live`, region: "us-east-1", credentials: CREDENTIALS },
    maxAttempts: 1,
  });
  const pool = new Pool(endpoint.url, { connections: CONNECTIONS });
  const sign = createSigner("execute-api", "us-east-1");
  const host = new URL(endpoint.url).host;
  const contentType = "application/octet-stream";
  const body = Buffer.from(FRAME);
  const payloadHash = hash("sha256", body, "hex");
  const pathOf = (n: number) => `/live/@connections/${encodeSegment(idOf(n))}`;

  const ways: readonly (readonly [string, (n: number) => Promise<unknown>])[] = [
    [
      "the AWS SDK's client",
      (n) => management.send(new PostToConnectionCommand({ ConnectionId: idOf(n), Data: FRAME })),
    ],
    [
      "this project's post",
      (n) => management.send(new LeanPostCommand({ ConnectionId: idOf(n), Data: FRAME })),
    ],
    [
      "a signed request on an undici pool",
      (n) => {
        const path = pathOf(n);
        const signed = sign(
          { method: "POST", contentType, host, path, payloadHash },
          CREDENTIALS,
          Date.now(),
        );
        return post(path, ["host", host, "content-type", contentType, ...signed]);
      },
    ],
    ["an unsigned request on an undici pool", (n) => post(pathOf(n), ["host", host])],
  ];
  async function post(path: string, headers: string[]): Promise<void> {
    const answer = await pool.request({ method: "POST", path, headers, body });
    await answer.body.dump();
  }

  const costs = ways.map(() => [] as number[]);
  for (let round = 0; round <= rounds; round += 1)
    for (const [index, [, way]] of ways.entries()) {
      const microseconds = await cpuOf(() => all(posts, way));
      // The first round only warms up.
      if (round > 0) costs[index]?.push(microseconds / posts);
    }
  await pool.close();
  management.destroy();
  endpoint.stop();
  return ways.map(([way], index) => ({ way, microseconds: median(costs[index] ?? []) }));
}

/** All posts of a round, one per connection at a time. */
async function all(posts: number, way: (n: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      while (next < posts) await way(next++);
    }),
  );
}

const idOf = (n: number): string => `L0SM9cOFvHc${n % 1000}Ihw=`;
