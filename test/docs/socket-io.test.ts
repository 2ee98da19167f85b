import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { createBroadcast, createIo, type Outlet } from "../../lambdas/server/socket/broadcast.ts";
import { createSocket, type Membership } from "../../lambdas/server/socket/socket.ts";

const page = readFileSync("docs/socket-io.md", "utf8");
const [, tables = ""] = page.split("\n## The tables\n");
const rows = [...tables.matchAll(/^\| (.+?) \| (the same|differs|no) \| (.*?) ?\|$/gm)].map(
  ([, names = "", status = "", what = ""]) => ({ names: namesIn(names), status, what }),
);

/** What is named in code as a member of something, e.g. `socket.join`. */
function namesIn(text: string): readonly string[] {
  return [...text.matchAll(/`((?:options|io|nsp|broadcast|socket|remoteSocket)\.\w+)/g)].map(
    ([, name = ""]) => name,
  );
}

const documented = new Set(rows.flatMap(({ names }) => names));

/** The public members that a declaration of Socket.IO's has. */
function membersOf(file: string, declaration: string): readonly string[] {
  const text = readFileSync(`node_modules/${file}`, "utf8").replaceAll(/\/\*\*.*?\*\//gs, "");
  const start = text.search(new RegExp(`(class|interface) ${declaration}\\b`));
  const body = text.slice(start, text.indexOf("\n}", start));
  const named = body.matchAll(/^ {4}(?:readonly |get )?([a-z]\w*)\??[(<:]/gm);
  return [...new Set([...named].map(([, name = ""]) => name))].filter(
    (name) => name !== "constructor",
  );
}

describe("the page names all that Socket.IO declares", () => {
  test.each([
    ["engine.io/build/server.d.ts", "AttachOptions", ["options"]],
    ["engine.io/build/server.d.ts", "ServerOptions", ["options"]],
    ["socket.io/dist/index.d.ts", "ServerOptions", ["options"]],
    ["socket.io/dist/index.d.ts", "Server", ["io"]],
    ["socket.io/dist/namespace.d.ts", "Namespace", ["io", "nsp"]],
    ["socket.io/dist/socket.d.ts", "Socket", ["socket"]],
    ["socket.io/dist/broadcast-operator.d.ts", "BroadcastOperator", ["broadcast"]],
    ["socket.io/dist/broadcast-operator.d.ts", "RemoteSocket", ["remoteSocket"]],
  ])("in %s, %s", (file, declaration, owners) => {
    const members = membersOf(file, declaration);

    expect(members.length).toBeGreaterThan(3);
    const isNamed = (name: string) => owners.some((owner) => documented.has(`${owner}.${name}`));
    expect(members.filter((name) => !isNamed(name))).toEqual([]);
  });
});

/** The server's own objects, which nothing calls. */
const outlet = { buffer: {}, fetchSockets: async () => [] } as unknown as Outlet;
const where = { tenant: "", nsp: "/" };
const socket = createSocket(
  { sid: "s", connectionId: "c", nsp: "/" },
  { id: "s", tenant: "", userId: "s", data: {} },
  outlet,
  Object.fromEntries(
    ["join", "leave", "supersede", "rooms", "claim"].map((name) => [name, () => undefined]),
  ) as unknown as Membership,
  () => "everyone",
);
const OWN: Readonly<Record<string, object>> = {
  io: createIo(outlet, where, () => "everyone"),
  nsp: socket.nsp,
  broadcast: createBroadcast(outlet, { ...where, rooms: ["r"], except: [] }),
  socket,
  remoteSocket: { id: "s", userId: "s", data: {}, rooms: [] },
};
const has = (name: string): boolean => {
  const [owner = "", member = ""] = name.split(".");
  return member in (OWN[owner] ?? {});
};
const namesOf = (wanted: string) =>
  rows.filter(({ status }) => status === wanted).flatMap(({ names }) => names);

test("what is called the same is there, and what is not there is not", () => {
  expect(namesOf("the same").filter((name) => !has(name))).toEqual([]);
  expect(namesOf("no").filter(has)).toEqual([]);
});

test("every row has one of the three answers, and says what or why", () => {
  const lines = tables.match(/^\|/gm) ?? [];
  const heads = tables.match(/^\|---/gm) ?? [];

  expect(rows).toHaveLength(lines.length - 2 * heads.length);
  expect(rows.filter(({ status, what }) => status !== "the same" && what === "")).toEqual([]);
});
