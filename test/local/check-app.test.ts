import { expect, test } from "vitest";
import { type AnyLeanApp, everybody } from "../../lambdas/server/app.ts";
import { checkApp, checkAuthentication } from "../../lambdas/server/check-app.ts";

const LIMITS = { chatRooms: 100 };
const authenticate = everybody;

test.each([
  ["nothing", undefined, "an application has namespaces"],
  ["no namespace", { namespaces: {} }, "an application has namespaces"],
  ["a namespace without its slash", { namespaces: { chat: { authenticate } } }, "chat must begin"],
  [
    "rooms of a limit that is none",
    { namespaces: { "/": { authenticate, roomsOfKind: { chat: "rooms" } } } },
    "names the limit rooms",
  ],
  [
    "events of a limit that is none",
    { namespaces: { "/": { authenticate, domains: { chat: { events: [], rate: "often" } } } } },
    "names the limit often",
  ],
  [
    "a misspelt name",
    { namespaces: { "/": { authenticate, onConect() {} } } },
    "the namespace / declares onConect, which is none of what it may",
  ],
  [
    "a handler that is none",
    { namespaces: { "/": { authenticate, on: { say: 5 } } } },
    "the handler of say in the namespace / must be a function",
  ],
  [
    "a handler of what no client sends",
    { namespaces: { "/": { authenticate, on: { disconnect() {} } } } },
    "no client sends disconnect in the namespace /: use onDisconnect",
  ],
  ["a namespace that lets nobody in", { namespaces: { "/": {} } }, "authenticate is missing"],
])("an application with %s is refused with one sentence", (_, app, message) => {
  const check = () => {
    checkApp(app as unknown as AnyLeanApp, LIMITS);
    checkAuthentication(app as unknown as AnyLeanApp);
  };

  expect(check).toThrow(message);
});

test("an application that is whole is accepted", () => {
  // What every object has is a name like any other.
  const on = { constructor() {}, toString() {} };
  const app = { namespaces: { "/": { authenticate, on, roomsOfKind: { chat: "chatRooms" } } } };

  checkApp(app as unknown as AnyLeanApp, LIMITS);
  checkAuthentication(app as unknown as AnyLeanApp);
});
