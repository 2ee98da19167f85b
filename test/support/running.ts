import { inject, vi } from "vitest";
import { type LocalStack, startStack } from "../../local/stack.ts";
import { OF_CONNECTIONS } from "./of-connections.ts";

/** What tokens are signed with in tests. */
export const SECRET = "a secret of at least thirty-two characters";

const secretArn = (name: string) =>
  `arn:aws:secretsmanager:us-east-1:000000000000:secret:serverless-socket-io/integrations/${name}-AbCdEf`;

/** Secrets that integrations use in tests. */
export const SECRETS = {
  shop: { arn: secretArn("shop"), value: "the-credential-of-the-shop" },
  webhook: {
    arn: secretArn("webhook"),
    value: Buffer.from("0123456789abcdefghijklmn").toString("base64"),
  },
};

/** What the functions have logged in this run, for tests of what they must not log. */
export const logged: string[] = [];

/** Whether this run reorders frames and divides rooms on purpose: `npm run test:shuffle`. */
export const isShuffled = process.env.SHUFFLE === "1";

const OPTIONS = {
  assembly: inject("assembly"),
  port: 0,
  secret: SECRET,
  secrets: Object.fromEntries(Object.values(SECRETS).map(({ arn, value }) => [arn, value])),
  schedules: false,
  // What was counted is written at once, so that a test sees it.
  environment: { METRICS_PERIOD: "0" },
};
const divided = (fanOutPage: number) => ({
  environment: { ...OPTIONS.environment, LIMITS: JSON.stringify({ fanOutPage }) },
});

/** The stack that all end-to-end tests of this run share. */
export const stack: LocalStack = await startStack({
  ...OPTIONS,
  gateway: { shuffle: isShuffled },
  // Then nearly every room is a large one, too.
  ...(isShuffled && divided(2)),
  log: (_, text) => void logged.push(text),
});

/** A stack of a test's own, from another assembly. */
export const startFrom = (
  assembly: string,
  log: (text: string) => void = () => undefined,
): Promise<LocalStack> => startStack({ ...OPTIONS, assembly, log: (_, text) => log(text) });

/** A stack of a test's own in which counts are gathered for so many milliseconds. */
export const startGathering = (
  period: number,
  log: (functionName: string, text: string) => void,
): Promise<LocalStack> =>
  startStack({ ...OPTIONS, environment: { METRICS_PERIOD: String(period) }, log });

/** A stack of a test's own, in which a function posts to no more sockets of a room than this. */
export const startDivided = (
  fanOutPage: number,
  log: (text: string) => void = () => undefined,
): Promise<LocalStack> =>
  startStack({ ...OPTIONS, ...divided(fanOutPage), log: (_, text) => log(text) });

/** Resolves once the stack has nothing left to do. */
export const settled = (): Promise<void> => stack.idle();

/** Resolves once the gateway holds no connection any more and everything they caused is done. */
export async function deserted(): Promise<void> {
  await vi.waitUntil(() => stack.gateway.connectionIds().length === 0, { interval: 2 });
  await settled();
}

/** Everything stored that belongs to connections, but for what notes of ended ones until the sweep. */
export const ofConnections = async (): Promise<Record<string, unknown>[]> =>
  (await stack.database.items()).filter(
    ({ pk, endedAt }) => OF_CONNECTIONS.test(String(pk)) && endedAt === undefined,
  );
