import { readFileSync } from "node:fs";
import { Parser } from "@asyncapi/parser";
import { expect, test } from "vitest";
import { apiPage, entryPoints } from "../../bin/docs/api-page.ts";
import { asyncApi } from "../../bin/docs/async-api.ts";
import { clientTypes } from "../../bin/docs/client-types.ts";
import { eventPages } from "../../bin/docs/event-pages.ts";
import { settingsPage } from "../../bin/docs/settings-tables.ts";
import { events } from "../support/contract.ts";

/** Section 3 of the contract, name by name. */
const CONTRACT = `
  subscribe:project subscribe:collection unsubscribe:collection subscribe:document subscribe:query
  custom:event
  integration:join integration:leave integration:execute integration:test integration:status
  integration:webhook:subscribe integration:webhook:unsubscribe
  wallet:subscribe:address wallet:subscribe:project wallet:subscribe:chain
  wallet:subscribe:currency wallet:unsubscribe:address wallet:unsubscribe:project
  presence:online presence:offline presence:update presence:get:online
  auth:login auth:logout auth:session:update
  chat:join chat:leave chat:typing:start chat:typing:stop message:send message:react message:edit
  message:delete messages:mark:read
  call:initiate call:accept call:reject call:end
  custom:broadcast custom:join custom:leave custom:message custom:presence custom:typing
  custom:file:share
`
  .trim()
  .split(/\s+/);

/** Events that this project has beyond the contract. */
const ADDITIONS = ["messages:history"];

test("the registry holds the contract's 46 events and our additions, no more and no less", () => {
  expect(CONTRACT).toHaveLength(46);
  expect([...events.keys()].toSorted()).toEqual([...CONTRACT, ...ADDITIONS].toSorted());
});

test.each([
  ["docs/events.md", eventPages],
  ["docs/asyncapi.yaml", asyncApi],
  ["client/contract.ts", clientTypes],
  ["docs/settings.md", settingsPage],
])("%s is what npm run docs would write now", (file, generate) => {
  expect(readFileSync(file, "utf8") === generate(), `${file} is stale: npm run docs`).toBe(true);
});

test("docs/api.md is what npm run docs would write now, and says of every name what it is", () => {
  const points = entryPoints();
  const silent = points.flatMap(({ name, exported, named }) =>
    [...exported, ...named]
      .filter(({ description }) => description === "")
      .map((one) => `${name}: ${one.name}`),
  );

  expect(silent).toEqual([]);
  const isFresh = readFileSync("docs/api.md", "utf8") === apiPage(points);
  expect(isFresh, "docs/api.md is stale: npm run docs").toBe(true);
});

test("the AsyncAPI document is valid, and names every event of a client as an operation", async () => {
  const { document, diagnostics } = await new Parser().parse(
    readFileSync("docs/asyncapi.yaml", "utf8"),
  );

  expect(diagnostics.filter(({ severity }) => severity === 0)).toEqual([]);
  const received = document?.operations().filterByReceive() ?? [];
  expect(received.map((operation) => operation.messages().all()[0]?.name()).toSorted()).toEqual(
    [...events.keys()].toSorted(),
  );
});
