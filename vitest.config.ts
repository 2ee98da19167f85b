import { defineConfig } from "vitest/config";

const env = {
  AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
  // Of functions in the process of a test; those of the stack have an environment of their own.
  POWERTOOLS_LOG_LEVEL: "SILENT",
  POWERTOOLS_METRICS_DISABLED: "true",
  // Each synthesis would load CloudFormation's rules, which take as long as all the rest; `npm run synth` applies them.
  CDK_VALIDATION: "false",
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

/** Unit tests that cannot share modules: they mock or set what others use as it is, or the other way round. */
const ISOLATED = [
  "test/{examples,gateway,http,local,protocol}/**/*.test.ts",
  "test/client/emitter.test.ts",
  "test/model/{ledger,polling,recovery}.test.ts",
];

/** Those that end their world with its modules, or whose clock would be ahead of what the next one's functions remember. */
const FAULTS_ALONE = [
  "polling-{dying,ends,failing,others}",
  "{dying,failing,repeating,retrying}",
  "{heartbeat,recovery-left-over,rotation}",
].map((name) => `test/faults/${name}.test.ts`);

/** Only what hangs is to end by it: a busy machine takes many times as long as a quiet one. */
const patient = {
  ...{ testTimeout: 300_000, hookTimeout: 300_000 },
  expect: { poll: { timeout: 100_000 } },
};
const ofInstallations = { ...patient, hookTimeout: 600_000 };

/** One stack serves all files of a worker: they share its modules. */
const endToEnd = {
  isolate: false,
  setupFiles: ["test/support/nothing-left.ts"],
  ...patient,
};

export default defineConfig({
  test: {
    // Here and not in the projects, which would each have it run again.
    globalSetup: ["test/support/synthesised.ts"],
    // More than cores: while one test waits for a browser, an installation or an answer, another one runs.
    maxWorkers: "150%",
    projects: [
      {
        test: {
          ...{ name: "unit", env },
          include: ["test/**/*.test.ts"],
          exclude: [
            "test/e2e/**",
            "test/pages/**",
            "test/package/**",
            "test/faults/**",
            "test/browser/**",
            "test/readme/**",
            ...ISOLATED,
          ],
          // Most of the time of a short file goes into loading what it tests.
          isolate: false,
          ...patient,
        },
      },
      {
        test: {
          ...{ name: "isolated", env },
          include: ISOLATED,
          exclude: ["test/protocol/frames.test.ts"],
          ...patient,
        },
      },
      {
        test: {
          ...{ name: "faults", env },
          include: ["test/faults/**/*.test.ts"],
          exclude: FAULTS_ALONE,
          isolate: false,
          ...patient,
        },
      },
      {
        test: {
          ...{ name: "faults-alone", env },
          include: FAULTS_ALONE,
          ...patient,
        },
      },
      {
        test: {
          ...{ name: "browser", env },
          include: ["test/browser/**/*.test.ts"],
          ...patient,
        },
      },
      {
        test: {
          ...{ name: "package", env },
          include: ["test/package/**/*.test.ts"],
          ...ofInstallations,
        },
      },
      {
        test: {
          ...{ name: "pages", env },
          include: ["test/{pages,readme}/**/*.test.ts"],
          ...ofInstallations,
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
