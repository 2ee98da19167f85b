import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  assemblyWith,
  type Deployment,
  deploy,
  deployPerTest,
  template,
} from "../support/deployment.ts";
import { gatePerTest } from "../support/gate.ts";
import { until } from "../support/until.ts";

const start = deployPerTest();
const newGate = gatePerTest();

const value = async ({ stack }: Deployment, event: object = {}) => {
  const result = await stack.functions.invoke("Function", event);
  return result.ok ? result.value : result.message;
};

test("a function sees its own variables and Lambda's, and none of this process", async () => {
  process.env.SECRET_OF_THIS_PROCESS = "1";
  const deployment = await start("export const handler = async () => ({ ...process.env });");

  const seen = (await value(deployment)) as Record<string, string>;
  expect(seen).toMatchObject({
    GREETING: "hello",
    AWS_LAMBDA_FUNCTION_NAME: "Function",
    AWS_ACCESS_KEY_ID: "LOCALFUNCTION",
  });
  expect(seen).not.toHaveProperty("SECRET_OF_THIS_PROCESS");
  expect(seen).not.toHaveProperty("PATH");
});

test("a function's clock is ahead by as much as the stack's was advanced", async () => {
  const deployment = await start(
    "export const handler = async () => [Date.now(), new Date().getTime(), new Date(5).getTime()];",
  );
  const [before = 0] = (await value(deployment)) as number[];

  for (let hour = 0; hour < 2; hour += 1) await deployment.stack.advance(3_600_000);

  const [now = 0, constructed = 0, given] = (await value(deployment)) as number[];
  expect(now - before).toBeGreaterThanOrEqual(7_200_000);
  expect(constructed - now).toBeLessThan(3_600_000);
  expect(given).toBe(5);
});

test("an event that nests too deeply fails, and its environment survives", async () => {
  const deployment = await start("export const handler = async () => 1;", { concurrency: 1 });
  const deep = JSON.parse(`{"a":${"[".repeat(40_000)}${"]".repeat(40_000)}}`) as object;

  for (let n = 0; n < 2; n += 1) expect(await value(deployment, deep)).toMatch(/nests too deeply/);

  expect(await value(deployment)).toBe(1);
});

describe("an execution environment", () => {
  const COUNTING = `let calls = 0;
    export const handler = async ({ wait = 0 }) => {
      calls += 1;
      await new Promise((resolve) => setTimeout(resolve, wait));
      return calls;
    };`;

  test("keeps the module's state between invocations", async () => {
    const deployment = await start(COUNTING);

    expect([await value(deployment), await value(deployment)]).toEqual([1, 2]);
  });

  test("serves one invocation at a time: concurrent ones get one each", async () => {
    const deployment = await start(COUNTING, { concurrency: 3 });

    const first = await Promise.all([1, 2, 3].map(() => value(deployment, { wait: 50 })));

    expect(first).toEqual([1, 1, 1]);
  });

  test("is waited for above the concurrency limit", async () => {
    const deployment = await start(COUNTING, { concurrency: 1 });

    expect(await Promise.all([1, 2, 3].map(() => value(deployment)))).toEqual([1, 2, 3]);
  });

  test("is frozen between invocations: a timer left behind does not run", async () => {
    const deployment = await start(`let ticks = 0;
      export const handler = async ({ start }) => {
        if (start) setInterval(() => { ticks += 1; }, 1);
        return ticks;
      };`);
    await value(deployment, { start: true });
    // Meanwhile another function starts, runs and stops.
    const other = await deploy("export const handler = async () => 1;");
    await value(other);
    await other.stop();

    expect(await value(deployment)).toBe(0);
  });

  test("that exits is replaced", async () => {
    const deployment = await start(
      "export const handler = async ({ end }) => { if (end) process.exit(1); return 1; };",
    );

    expect(await value(deployment, { end: true })).toMatch(/ended/);
    expect(await value(deployment)).toBe(1);
  });
});

test("nothing is started for what comes once the functions are stopped", async () => {
  const deployment = await start("export const handler = async () => 1;");
  await deployment.stack.functions.stop();

  expect(await value(deployment)).toMatch(/stopped/);
  expect(deployment.stack.functions.heaps()).toEqual({ Function: [] });
});

describe("an extension in the process of a function", () => {
  const api = (path: string) =>
    `"http://" + process.env.AWS_LAMBDA_RUNTIME_API + "/2020-01-01/extension/${path}"`;
  const registration = (events: readonly string[]) => `fetch(${api("register")}, {
    method: "POST",
    headers: { "lambda-extension-name": "own" },
    body: '${JSON.stringify({ events })}',
  })`;
  /** Asks for its next event once what an invocation has left in `work` is done. */
  const EXTENDED = `
    const registered = await ${registration(["INVOKE"])};
    const id = registered.headers.get("lambda-extension-identifier");
    const next = () => fetch(${api("event/next")}, { headers: { "lambda-extension-identifier": id } });
    let begun, done = 0;
    (async () => {
      for (;;) {
        const work = new Promise((resolve) => { begun = resolve; });
        const event = await (await next()).json();
        if (event.eventType === "INVOKE") await work;
      }
    })();
    export const handler = async ({ gate }) => {
      begun(gate && fetch(gate).then(() => { done += 1; }));
      return done;
    };`;

  test("has Lambda hand on an answer before its work is over, and keep the environment until then", async () => {
    const gate = await newGate();
    const deployment = await start(EXTENDED, { concurrency: 1, metered: true });

    expect(await value(deployment, { gate: gate.url })).toBe(0);
    await gate.arrived(1);
    let isIdle = false;
    const idle = deployment.stack.idle().then(() => {
      isIdle = true;
    });
    const waiting = value(deployment);
    expect(deployment.stack.takeUsage().invocations).toBe(0);
    expect(isIdle).toBe(false);
    gate.open();

    expect(await waiting).toBe(1);
    await idle;
    expect(deployment.stack.takeUsage().invocations).toBe(2);
  });

  test("is waited for no longer than the function may run", async () => {
    const gate = await newGate();
    const deployment = await start(EXTENDED, { concurrency: 1 });

    expect(await value(deployment, { gate: gate.url })).toBe(0);
    await until(() => deployment.logged.some((line) => line.includes("timed out")));

    expect(await value(deployment)).toBe(0);
  });

  test.each([
    ["once the function has started", ["INVOKE"], "await undefined", 403],
    ["for the environment's end", ["INVOKE", "SHUTDOWN"], registration(["SHUTDOWN"]), 400],
  ])("is not registered %s", async (_, events, atStart, status) => {
    const deployment = await start(`
      const early = await ${atStart};
      export const handler = async () => (early ?? (await ${registration(events)})).status;`);

    expect(await value(deployment)).toBe(status);
  });
});

describe("a reload", () => {
  const saying = (word: string) => `export const handler = async ({ gate }) => {
    if (gate) await fetch(gate);
    return "${word}";
  };`;
  /** A folder with other code for the function. */
  const newer = (code: string) =>
    new Map([["Function", join(assemblyWith(template(), code), "code")]]);

  test("runs other code from the next invocation on, and what runs already ends as it began", async () => {
    const gate = await newGate();
    const deployment = await start(saying("old"), { concurrency: 1 });
    const [running, queued] = [
      value(deployment, { gate: gate.url }),
      value(deployment, { gate: gate.url }),
    ];
    await gate.arrived(1);

    deployment.stack.reload(newer(saying("new")));

    expect(await value(deployment)).toBe("new");
    gate.open();
    expect([await running, await queued]).toEqual(["old", "old"]);
    expect(await value(deployment)).toBe("new");
  });

  test("leaves nothing of the old code running", async () => {
    const deployment = await start("export const handler = async () => 1;");
    await Promise.all([value(deployment), value(deployment)]);
    const before = deployment.stack.functions.heaps();

    deployment.stack.reload(newer(saying("new")));

    expect(before.Function).toHaveLength(2);
    expect(deployment.stack.functions.heaps().Function).toEqual([]);
  });
});

describe("a reserved concurrency", () => {
  const WAITING = `export const handler = async ({ gate }) => {
    if (gate) await fetch(gate);
    return "passed";
  };`;
  const { Function: ours } = template().Resources;
  const reserving = (ReservedConcurrentExecutions: number) => ({
    resources: {
      Function: {
        ...ours,
        Properties: { ...ours.Properties, Timeout: 10, ReservedConcurrentExecutions },
      },
    },
  });

  test("is a maximum: a synchronous invocation beyond it is throttled", async () => {
    const gate = await newGate();
    const { stack } = await start(WAITING, { ...reserving(2), concurrency: 1 });
    const invoke = (event: object) => stack.functions.invoke("Function", event);

    const running = [1, 2].map(() => invoke({ gate: gate.url }));
    await gate.arrived(2);
    expect(await invoke({})).toMatchObject({ ok: false, fault: "throttled" });
    gate.open();

    expect(await Promise.all(running)).toEqual([1, 2].map(() => ({ ok: true, value: "passed" })));
    expect(await invoke({})).toEqual({ ok: true, value: "passed" });
  });

  test("is waited for by an asynchronous one", async () => {
    const gate = await newGate();
    const { stack } = await start(WAITING, reserving(1));
    const running = stack.functions.invoke("Function", { gate: gate.url });
    await gate.arrived(1);

    stack.functions.invokeAsync("Function", { gate: gate.url });
    gate.open();
    await stack.idle();

    await gate.arrived(2);
    expect(await running).toEqual({ ok: true, value: "passed" });
  });

  test("beyond which Lambda's own API answers 429", async () => {
    const gate = await newGate();
    const { stack } = await start(WAITING, reserving(1));
    const invoke = (body: object) =>
      fetch(`${stack.url}/2015-03-31/functions/Function/invocations`, {
        ...{ method: "POST", body: JSON.stringify(body) },
      });

    const running = invoke({ gate: gate.url });
    await gate.arrived(1);
    const refused = await invoke({});

    expect(refused.status).toBe(429);
    expect(refused.headers.get("x-amzn-errortype")).toBe("TooManyRequestsException");
    gate.open();
    expect((await running).status).toBe(200);
  });
});

test("a bundle that cannot be loaded fails each invocation with the reason", async () => {
  const deployment = await start("import 'nothing-of-this-name';");

  expect(await value(deployment)).toMatch(/nothing-of-this-name/);
  expect(deployment.logged.join()).toMatch(/nothing-of-this-name/);
});

describe("an asynchronous invocation", () => {
  test("is attempted three times", async () => {
    const deployment = await start(
      'export const handler = async () => { console.log("tried"); throw new Error("boom"); };',
    );

    deployment.stack.functions.invokeAsync("Function", {});
    await deployment.stack.idle();

    await until(() => deployment.logged.filter((line) => line === "tried").length === 3);
  });

  const { Function: ours } = template().Resources;
  const queued = (properties: object) => ({
    Function: { ...ours, Properties: { ...ours.Properties, Timeout: 10 } },
    Queue: { Type: "AWS::SQS::Queue" },
    Config: {
      Type: "AWS::Lambda::EventInvokeConfig",
      Properties: {
        FunctionName: { Ref: "Function" },
        DestinationConfig: { OnFailure: { Destination: { "Fn::GetAtt": ["Queue", "Arn"] } } },
        ...properties,
      },
    },
  });
  const SLOW = `export const handler = async ({ name, wait = 0 }) => {
    console.log(name);
    await new Promise((resolve) => setTimeout(resolve, wait));
  };`;

  test("that waits for longer than the template's age goes to the failure destination", async () => {
    const deployment = await start(SLOW, {
      concurrency: 1,
      resources: queued({ MaximumEventAgeInSeconds: 0.2 }),
    });
    const { functions, deadLetters } = deployment.stack;

    functions.invokeAsync("Function", { name: "slow", wait: 400 });
    functions.invokeAsync("Function", { name: "late" });
    await deployment.stack.idle();

    expect(deployment.logged).toEqual(["slow"]);
    expect(deadLetters).toEqual([
      {
        functionName: "Function",
        event: { name: "late" },
        reason: expect.stringContaining("EventAgeExceeded"),
      },
    ]);
  });

  test("above the concurrency waits for Lambda's default age without a setting", async () => {
    const deployment = await start(SLOW, { concurrency: 1, resources: queued({}) });

    deployment.stack.functions.invokeAsync("Function", { name: "slow", wait: 400 });
    deployment.stack.functions.invokeAsync("Function", { name: "late" });
    await deployment.stack.idle();

    expect(deployment.logged).toEqual(["slow", "late"]);
  });

  test("that has become too old is not retried", async () => {
    const deployment = await start(
      `export const handler = async () => {
        console.log("tried");
        await new Promise((resolve) => setTimeout(resolve, 300));
        throw new Error("boom");
      };`,
      { resources: queued({ MaximumEventAgeInSeconds: 0.2 }) },
    );

    deployment.stack.functions.invokeAsync("Function", {});
    await deployment.stack.idle();

    expect(deployment.logged.filter((line) => line === "tried")).toHaveLength(1);
    expect(deployment.stack.deadLetters).toHaveLength(1);
  });

  test("runs twice with repeatsAsync", async () => {
    const deployment = await start(SLOW, { repeatsAsync: true });

    deployment.stack.functions.invokeAsync("Function", { name: "once" });
    await deployment.stack.idle();

    expect(deployment.logged).toEqual(["once", "once"]);
  });

  test("that succeeds is not retried", async () => {
    const deployment = await start(
      'let tries = 0; export const handler = async () => { console.log(++tries); if (tries < 2) throw new Error("boom"); };',
    );

    deployment.stack.functions.invokeAsync("Function", {});
    await deployment.stack.idle();

    expect(deployment.logged.filter((line) => /^\d$/.test(line))).toEqual(["1", "2"]);
  });
});
