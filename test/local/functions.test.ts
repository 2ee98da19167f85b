import { describe, expect, test, vi } from "vitest";
import { type Rehearsal, rehearse, rehearsing, template } from "../support/rehearsal.ts";

const start = rehearsing();

const value = async ({ stack }: Rehearsal, event: object = {}) => {
  const result = await stack.functions.invoke("Function", event);
  return result.ok ? result.value : result.message;
};

test("a function sees its own variables and Lambda's, and nothing of this process", async () => {
  process.env.SECRET_OF_THIS_PROCESS = "1";
  const rehearsal = await start("export const handler = async () => ({ ...process.env });");

  const seen = (await value(rehearsal)) as Record<string, string>;
  expect(seen).toMatchObject({
    GREETING: "hello",
    AWS_LAMBDA_FUNCTION_NAME: "Function",
    AWS_ACCESS_KEY_ID: "LOCALFUNCTION",
  });
  expect(seen).not.toHaveProperty("SECRET_OF_THIS_PROCESS");
  expect(seen).not.toHaveProperty("PATH");
});

test("an event that nests too deep to be written fails alone, and takes no environment with it", async () => {
  const rehearsal = await start("export const handler = async () => 1;", { concurrency: 1 });
  const deep = JSON.parse(`{"a":${"[".repeat(40_000)}${"]".repeat(40_000)}}`) as object;

  for (let n = 0; n < 2; n += 1) expect(await value(rehearsal, deep)).toMatch(/nests too deep/);

  expect(await value(rehearsal)).toBe(1);
});

describe("an execution environment", () => {
  const COUNTING = `let calls = 0;
    export const handler = async ({ wait = 0 }) => {
      calls += 1;
      await new Promise((resolve) => setTimeout(resolve, wait));
      return calls;
    };`;

  test("keeps the module's state between invocations", async () => {
    const rehearsal = await start(COUNTING);

    expect([await value(rehearsal), await value(rehearsal)]).toEqual([1, 2]);
  });

  test("serves one invocation at a time: those at the same time get one each", async () => {
    const rehearsal = await start(COUNTING, { concurrency: 3 });

    const first = await Promise.all([1, 2, 3].map(() => value(rehearsal, { wait: 50 })));

    expect(first).toEqual([1, 1, 1]);
  });

  test("what comes beyond the concurrency waits for one that is free", async () => {
    const rehearsal = await start(COUNTING, { concurrency: 1 });

    expect(await Promise.all([1, 2, 3].map(() => value(rehearsal)))).toEqual([1, 2, 3]);
  });

  test("is frozen between invocations: a timer left behind does not run", async () => {
    const rehearsal = await start(`let ticks = 0;
      export const handler = async ({ start }) => {
        if (start) setInterval(() => { ticks += 1; }, 1);
        return ticks;
      };`);
    await value(rehearsal, { start: true });
    // Another function's whole life passes meanwhile.
    const other = await rehearse("export const handler = async () => 1;");
    await value(other);
    await other.end();

    expect(await value(rehearsal)).toBe(0);
  });

  test("that ends is replaced", async () => {
    const rehearsal = await start(
      "export const handler = async ({ end }) => { if (end) process.exit(1); return 1; };",
    );

    expect(await value(rehearsal, { end: true })).toMatch(/ended/);
    expect(await value(rehearsal)).toBe(1);
  });
});

test("a bundle that cannot be loaded fails each invocation with the reason", async () => {
  const rehearsal = await start("import 'nothing-of-this-name';");

  expect(await value(rehearsal)).toMatch(/nothing-of-this-name/);
  expect(rehearsal.logged.join()).toMatch(/nothing-of-this-name/);
});

describe("an asynchronous invocation", () => {
  test("is tried three times in all", async () => {
    const rehearsal = await start(
      'export const handler = async () => { console.log("tried"); throw new Error("boom"); };',
    );

    rehearsal.stack.functions.invokeAsync("Function", {});
    await rehearsal.stack.idle();

    await vi.waitUntil(() => rehearsal.logged.filter((line) => line === "tried").length === 3);
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
    const rehearsal = await start(SLOW, {
      concurrency: 1,
      resources: queued({ MaximumEventAgeInSeconds: 0.2 }),
    });
    const { functions, deadLetters } = rehearsal.stack;

    functions.invokeAsync("Function", { name: "slow", wait: 400 });
    functions.invokeAsync("Function", { name: "late" });
    await rehearsal.stack.idle();

    expect(rehearsal.logged).toEqual(["slow"]);
    expect(deadLetters).toEqual([
      {
        functionName: "Function",
        event: { name: "late" },
        reason: expect.stringContaining("EventAgeExceeded"),
      },
    ]);
  });

  test("beyond the concurrency waits as long as Lambda lets it, where the template says nothing", async () => {
    const rehearsal = await start(SLOW, { concurrency: 1, resources: queued({}) });

    rehearsal.stack.functions.invokeAsync("Function", { name: "slow", wait: 400 });
    rehearsal.stack.functions.invokeAsync("Function", { name: "late" });
    await rehearsal.stack.idle();

    expect(rehearsal.logged).toEqual(["slow", "late"]);
  });

  test("that has become too old is not tried again", async () => {
    const rehearsal = await start(
      `export const handler = async () => {
        console.log("tried");
        await new Promise((resolve) => setTimeout(resolve, 300));
        throw new Error("boom");
      };`,
      { resources: queued({ MaximumEventAgeInSeconds: 0.2 }) },
    );

    rehearsal.stack.functions.invokeAsync("Function", {});
    await rehearsal.stack.idle();

    expect(rehearsal.logged.filter((line) => line === "tried")).toHaveLength(1);
    expect(rehearsal.stack.deadLetters).toHaveLength(1);
  });

  test("happens twice where a rehearsal asks for it", async () => {
    const rehearsal = await start(SLOW, { repeatsAsync: true });

    rehearsal.stack.functions.invokeAsync("Function", { name: "once" });
    await rehearsal.stack.idle();

    expect(rehearsal.logged).toEqual(["once", "once"]);
  });

  test("that succeeds is not tried again", async () => {
    const rehearsal = await start(
      'let tries = 0; export const handler = async () => { console.log(++tries); if (tries < 2) throw new Error("boom"); };',
    );

    rehearsal.stack.functions.invokeAsync("Function", {});
    await rehearsal.stack.idle();

    expect(rehearsal.logged.filter((line) => /^\d$/.test(line))).toEqual(["1", "2"]);
  });
});
