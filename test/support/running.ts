import { inject } from "vitest";
import type { GatewayOptions } from "../../local/gateway.ts";
import { type LocalStack, startStack } from "../../local/stack.ts";
import { CONNECTION_ITEM } from "./connection-items.ts";
import { until } from "./until.ts";

/** The secret that signs tokens in tests. */
export const SECRET = "a secret of at least thirty-two characters";

const secretArn = (name: string) =>
  `arn:aws:secretsmanager:us-east-1:000000000000:secret:serverless-socket-io/integrations/${name}-AbCdEf`;

/** Secrets of integrations in tests. */
export const SECRETS = {
  shop: { arn: secretArn("shop"), value: "the-credential-of-the-shop" },
  webhook: {
    arn: secretArn("webhook"),
    value: Buffer.from("0123456789abcdefghijklmn").toString("base64"),
  },
};

/** All output of the functions in this run. */
export const logged: string[] = [];

/** Whether this run reorders frames and uses small fan-out pages: `npm run test:shuffle`. */
const isShuffled = process.env.SHUFFLE === "1";

const OPTIONS = {
  assembly: inject("assembly"),
  port: 0,
  secret: SECRET,
  secrets: Object.fromEntries(Object.values(SECRETS).map(({ arn, value }) => [arn, value])),
  schedules: false,
  // Metrics are flushed at once, so that tests see them.
  environment: { METRICS_PERIOD: "0" },
};
const withFanOutPage = (fanOutPage: number) => ({
  environment: { ...OPTIONS.environment, LIMITS: JSON.stringify({ fanOutPage }) },
});

/** The stack that all end-to-end tests of this run share. */
export const stack: LocalStack = await startStack({
  ...OPTIONS,
  gateway: { shuffle: isShuffled },
  // With this, nearly every room needs several fan-out workers.
  ...(isShuffled && withFanOutPage(2)),
  log: (_, text) => void logged.push(text),
});

/** Starts a separate stack from another cloud assembly. */
export const startFromAssembly = (
  assembly: string,
  log: (text: string) => void = () => undefined,
): Promise<LocalStack> => startStack({ ...OPTIONS, assembly, log: (_, text) => log(text) });

/** Starts a separate stack whose metrics are flushed after this many milliseconds. */
export const startWithMetricsPeriod = (
  period: number,
  log: (functionName: string, text: string) => void,
): Promise<LocalStack> =>
  startStack({ ...OPTIONS, environment: { METRICS_PERIOD: String(period) }, log });

/** Starts a separate stack that counts what is billed. */
export const startMetered = (log: (text: string) => void): Promise<LocalStack> =>
  startStack({ ...OPTIONS, metered: true, log: (_, text) => log(text) });

/** Starts a separate stack with other limits, and gateway options. */
export const startWithLimits = (
  limits: Readonly<Record<string, number>>,
  log: (text: string) => void = () => undefined,
  gateway: Partial<GatewayOptions> = {},
): Promise<LocalStack> =>
  startStack({
    ...OPTIONS,
    environment: { ...OPTIONS.environment, LIMITS: JSON.stringify(limits) },
    gateway,
    log: (_, text) => log(text),
  });

/** Resolves once the stack has no pending work. */
export const settled = (): Promise<void> => stack.idle();

/** Resolves once all connections are closed and no work is pending. */
export async function allDisconnected(): Promise<void> {
  await until(() => stack.gateway.connectionIds().length === 0, { interval: 2 });
  await settled();
  // A client that polls says goodbye in a request of its own, which follows the one that is under way.
  await until(async () => !(await connectionItems()).some(isPolling), {
    ...{ interval: 20, timeout: 20_000 },
  });
  await settled();
}

const isPolling = ({ pk }: Readonly<Record<string, unknown>>): boolean =>
  String(pk).startsWith("conn#poll:");

/** All stored items of connections, without the tombstones of ended ones. */
export const connectionItems = async (): Promise<Record<string, unknown>[]> =>
  (await stack.database.items()).filter(
    ({ pk, endedAt }) => CONNECTION_ITEM.test(String(pk)) && endedAt === undefined,
  );
