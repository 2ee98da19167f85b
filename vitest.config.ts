import { defineConfig } from "vitest/config";

const env = {
  AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
  // Of functions in the process of a test; those of the stack have an environment of their own.
  POWERTOOLS_LOG_LEVEL: "SILENT",
  POWERTOOLS_METRICS_DISABLED: "true",
};

/** Tests whose clients wait for each answer, count calls, or start a stack of their own: nothing is reordered. */
const OF_ONE_ORDER = [
  "admin",
  "application",
  "calls",
  "cleanup",
  "commands",
  "cuts",
  "demo",
  "doctor",
  "emitter",
  "limits",
  "payloads",
  "permissions",
  "publications",
  "publishing-page",
  "queries",
  "recovery",
  "recovery-bounds",
  "recovery-taking-over",
  "table-changes",
  "table-stream",
  "telemetry",
  "token-keys",
  "usage",
].map((name) => `test/e2e/${name}.test.ts`);

/** Clients of each kind, over long polling: they are answered, refused and disconnected. */
const POLLING = ["auth", "client", "emitter", "mudbase"].map((name) => `test/e2e/${name}.test.ts`);

/** One stack serves all files of a worker: they share its modules. */
const endToEnd = {
  isolate: false,
  setupFiles: ["test/support/nothing-left.ts"],
  testTimeout: 15_000,
  hookTimeout: 30_000,
};

export default defineConfig({
  test: {
    // Here and not in the projects, which would each have it run again.
    globalSetup: ["test/support/synthesised.ts"],
    // Vitest would leave a core unused; the stack of an end-to-end test alone does not take two.
    maxWorkers: "100%",
    projects: [
      {
        test: {
          ...{ name: "unit", env },
          include: ["test/**/*.test.ts"],
          exclude: [
            "test/e2e/**",
            "test/protocol/frames.test.ts",
            "test/pages/**",
            "test/package/**",
            "test/faults/**",
            "test/browser/**",
            "test/readme/**",
          ],
          testTimeout: 15_000,
        },
      },
      {
        test: {
          ...{ name: "faults", env },
          include: ["test/faults/**/*.test.ts"],
          testTimeout: 60_000,
        },
      },
      {
        test: {
          ...{ name: "browser", env },
          include: ["test/browser/**/*.test.ts"],
          testTimeout: 60_000,
        },
      },
      {
        test: {
          ...{ name: "package", env },
          include: ["test/package/**/*.test.ts"],
          // A whole compilation, beside other tests.
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          ...{ name: "pages", env },
          include: ["test/{pages,readme}/**/*.test.ts"],
          testTimeout: 170_000,
        },
      },
      {
        test: { ...endToEnd, ...{ name: "e2e", env }, include: OF_ONE_ORDER },
      },
      {
        test: {
          ...endToEnd,
          ...{ name: "shuffle", env: { ...env, SHUFFLE: "1" } },
          include: ["test/e2e/**/*.test.ts", "test/protocol/frames.test.ts"],
          exclude: OF_ONE_ORDER,
        },
      },
      {
        test: {
          ...endToEnd,
          ...{ name: "polling", env: { ...env, TRANSPORTS: "polling" } },
          include: POLLING,
        },
      },
    ],
  },
});
