import { createHmac } from "node:crypto";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, inject, test } from "vitest";
import { createPermissions } from "../../local/permissions.ts";
import { readStack } from "../../local/template.ts";
import { BY_WEBSOCKET, client, connected, newOrg, tokenFor } from "../support/people.ts";
import { SECRETS, startFromAssembly, startWithLimits } from "../support/running.ts";
import { SAMPLES, shop, shopAt } from "../support/samples.ts";
import { until } from "../support/until.ts";
import { emptyUpstream } from "../support/upstream.ts";

/**
 * What is not seen here: hooks of other applications than the contract may move sockets as the heartbeat ends one, and
 * a move reads a session that takes no more rooms. Whoever posts reads sessions where those may come back; here, only
 * presence that has changed again while it was announced.
 */
const UNSEEN =
  /^(Heartbeat.* dynamodb:(GetItem|PutItem)|FanOut.* dynamodb:GetItem|(FanOut|Webhook).* dynamodb:BatchGetItem)$/;

/** Permissions for logs, which Lambda itself uses in AWS. */
const LOG = /^logs:/;

const logged: string[] = [];
const stack = await startWithLimits(
  // Where sockets may come back, what is gone is deleted by the sweep, and not by whoever finds it.
  { fanOutPage: 2, connectionStateRecovery: 0 },
  (text) => void logged.push(text),
);
const backEnd = await emptyUpstream();
afterAll(async () => {
  backEnd.stop();
  await stack.stop();
});

const publish = (entry: object) => stack.functions.invoke(stack.functions.named("Publish"), entry);

// Which function finds which socket gone depends on the ids, which are random: another round uses what one has not.
test("everything that a role allows is used by its function, and nothing else is called", {
  retry: 2,
}, async () => {
  const deadBefore = stack.deadLetters.length;
  const org = newOrg();
  const integration = {
    ...shopAt(backEnd.url),
    auth: { type: "bearer", secretArn: SECRETS.shop.arn },
    webhook: {
      ...{ scheme: "hmac-sha256", signatureHeader: "x-signature", idHeader: "x-id" },
      secretArn: SECRETS.webhook.arn,
    },
  };
  await publish({ event: "integration:put", org, integration });
  // Each is the last socket of its user, so that finding it gone also sends the user's presence.
  const tokens = await Promise.all(
    Array.from({ length: 20 }, (_, n) => tokenFor({ org, sub: n === 0 ? "ann" : `user-${n}` })),
  );
  const sockets = await Promise.all(
    tokens.map((token) => connected(client({ ...BY_WEBSOCKET, auth: { token } }, stack.url))),
  );
  for (const { event, payload } of SAMPLES) await sockets[0]?.emitWithAck(event, payload);
  for (const socket of sockets)
    for (const event of ["subscribe:project", "presence:online", "integration:webhook:subscribe"])
      await socket.emitWithAck(event, shop);
  const auth = { token: await tokenFor({ org, sub: "zoe" }) };
  const polling = await connected(client({ auth, transports: ["polling"] }, stack.url));
  for (const { event, payload } of SAMPLES) await polling.emitWithAck(event, payload);
  // Each broadcast finds some of its sockets gone, and deletes their items.
  const dropped = new Set<unknown>();
  // Of a round before some may be left that nobody has found gone.
  const own = new Set<unknown>(sockets.map(({ id }) => `sess#${id}`));
  const areGone = async (...positions: readonly number[]) => {
    const sessions = (await stack.database.items())
      .filter(({ pk, connectionId }) => own.has(pk) && !dropped.has(connectionId))
      .toSorted((a, b) => (String(a.pk) < String(b.pk) ? -1 : 1));
    for (const position of positions) {
      const { connectionId } = sessions[position] ?? {};
      dropped.add(connectionId);
      stack.gateway.drop(String(connectionId));
    }
  };
  const nextAreGone = () => areGone(0, 2, 4);
  // The first one alone: others would be notified by another function, which then finds this one.
  await areGone(0);
  await publish({ event: "emit", org, to: [{ kind: "org" }], name: "news", id: "n1" });
  await stack.idle();
  // Of a large room, so that other functions move sockets, too.
  const everyone = { org, to: [{ kind: "org" }], room: "garden" };
  for (const event of ["sockets:join", "sockets:leave"]) {
    await publish({ event, ...everyone });
    await stack.idle();
  }
  await areGone(2, 4);
  await publish({ event: "emit", org, to: [{ kind: "org" }], name: "news", id: "n2" });
  await publish({ event: "integration:get", org, ...shop });
  await publish({ event: "sockets:fetch", org, to: [{ kind: "org" }] });
  stack.functions.invokeAsync(stack.functions.named("Publish"), { event: "nonsense", org });
  await stack.idle();
  await nextAreGone();
  // Another delivery in each round: one that is repeated tells nobody.
  const body = JSON.stringify({ org });
  const signature = createHmac("sha256", SECRETS.webhook.value).update(body).digest("hex");
  const headers = { "x-signature": signature, "x-id": org };
  await fetch(`${stack.url}/webhooks/p1/shop`, { method: "POST", body, headers });
  await fetch(`${stack.url}/demo/token?user=ann`);
  await fetch(`${stack.url}/demo/rows`, { method: "POST" });
  await stack.idle();
  await nextAreGone();
  await stack.functions.invoke(stack.functions.named("Heartbeat"), {
    scheduledTime: new Date().toISOString(),
  });
  for (let shard = 0; shard < 16; shard += 1)
    await stack.functions.invoke(stack.functions.named("Heartbeat"), { shard });
  await publish({ event: "revoke", org, target: { userId: "ann" } });
  for (const socket of sockets) socket.disconnect();
  await until(() => stack.gateway.connectionIds().length === 0);
  await stack.idle();

  for (const [functionName, granted] of grants()) {
    const used = stack.permissions.used.get(functionName);
    const unused = granted.filter(
      (action) =>
        !LOG.test(action) && !UNSEEN.test(`${functionName} ${action}`) && !used?.has(action),
    );
    expect([functionName, unused]).toEqual([functionName, []]);
  }
  expect(stack.deadLetters).toHaveLength(deadBefore + 1);
  expect(logged.join("")).not.toContain("AccessDenied");
});

/** The actions that the role of each function allows. */
function grants(): readonly (readonly [string, readonly string[]])[] {
  return [...stack.policies].map(([name, policies]) => [
    name,
    (policies as readonly { Statement: readonly { Action: string | string[] }[] }[]).flatMap(
      ({ Statement }) => Statement.flatMap(({ Action }) => Action),
    ),
  ]);
}

test("a stack without one permission fails at the call that needs it, and its log names the permission", async () => {
  const assembly = mkdtempSync(join(tmpdir(), "less-granted-"));
  cpSync(inject("assembly"), assembly, { recursive: true });
  const file = join(assembly, "ServerlessSocketIo.template.json");
  const { Resources } = JSON.parse(readFileSync(file, "utf8")) as {
    Resources: Record<string, object>;
  };
  for (const [id, resource] of Object.entries(Resources).filter(([id]) =>
    id.startsWith("OpenPolicy"),
  ))
    Resources[id] = JSON.parse(
      JSON.stringify(resource).replaceAll("lambda:InvokeFunction", "lambda:GetFunction"),
    ) as object;
  writeFileSync(file, JSON.stringify({ Resources }));
  const logged: string[] = [];
  const poorer = await startFromAssembly(assembly, (text) => void logged.push(text));
  try {
    const token = await tokenFor({ org: newOrg() });
    const options = { ...BY_WEBSOCKET, auth: { token } };
    const socket = await connected(client(options, poorer.url)).catch(String);
    expect(socket).toBe("Error: websocket error");
    expect(logged.join("")).toMatch(
      /Socket\w+ is not authorized to perform: lambda:InvokeFunction on resource: arn:aws:lambda/,
    );
  } finally {
    await poorer.stop();
    rmSync(assembly, { recursive: true });
  }
});

test("a call is refused if the role allows only another action or another table", async () => {
  const { policies } = readStack(inject("assembly"));
  const [socket = ""] = [...policies.keys()].filter((name) => name.startsWith("Socket"));
  const table = `arn:aws:dynamodb:us-east-1:000000000000:table/${stack.tableNames[0]}`;
  const without = JSON.parse(
    JSON.stringify(policies.get(socket)).replaceAll('"dynamodb:PutItem",', ""),
  ) as object[];

  const whole = createPermissions(policies);
  const less = createPermissions(new Map([[socket, without]]));

  expect(await whole.refusal(socket, "dynamodb:PutItem", table)).toBeUndefined();
  expect(await less.refusal(socket, "dynamodb:PutItem", table)).toMatch(
    /Socket.* is not authorized to perform: dynamodb:PutItem on resource: .*table/,
  );
  expect(await whole.refusal(socket, "dynamodb:Scan", table)).toContain("dynamodb:Scan");
  expect(await whole.refusal(socket, "dynamodb:GetItem", `${table}-other`)).toContain("-other");
});
