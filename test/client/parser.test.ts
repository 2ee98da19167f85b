import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { connect } from "../../client/index.ts";
import { Decoder, Encoder } from "../../client/parser.ts";
import { copyId } from "../../lambdas/server/model/offset.ts";
import { until } from "../support/until.ts";

/** An offset of the nth packet, posted at this time. */
const offset = (n: number, time = 1) =>
  `01ARZ3NDEKTSV4RRFFQ69G5F${String(n % 100).padStart(2, "0")}${String(Math.floor(n / 100)).padStart(4, "0")}.${time}`;

const decoding = () => {
  const decoder = new Decoder();
  const received: unknown[][] = [];
  decoder.on("decoded", ({ type, data }) => type === 2 && received.push(data));
  const receive = (...frames: readonly string[]) => {
    for (const frame of frames) decoder.add(frame);
  };
  return { decoder, received, receive };
};
const opening = (pid: string) => `0${JSON.stringify({ sid: "sid", pid })}`;
const event = (...args: readonly unknown[]) => `2${JSON.stringify(args)}`;

describe("the decoder", () => {
  test("drops what has an id that was received, wherever else the offsets differ", () => {
    const { received, receive } = decoding();
    const replayed = `${offset(1)}.7.${offset(0).slice(0, 30)}`;

    receive(opening("pid"), event("news", { n: 1 }, offset(1)), event("news", { n: 2 }, offset(2)));
    receive(event("news", { n: 1 }, offset(1, 9)), event("news", { n: 1 }, replayed));
    receive(event("news", { n: 3 }, offset(3)));

    expect(received.map(([, payload]) => payload)).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
    expect(received[0]).toEqual(["news", { n: 1 }, offset(1)]);
  });

  test("keeps each live query's copy of a change, once", () => {
    const { received, receive } = decoding();
    const [id = "", ...times] = offset(1).split(".");
    const ids = [id, ...["a", "b", "ü ~."].map((queryId) => copyId(id, ["queryId", queryId]))];
    const copies = ids.map((one) => event("db:create", {}, [one, ...times].join(".")));

    receive(opening("pid"), ...copies, ...copies);

    expect(received).toHaveLength(4);
  });

  test.each([
    ["nothing", []],
    ["null", [null]],
    ["text", ["a.b"]],
    ["a ULID that is no offset", [offset(1).slice(0, 26)]],
    ["an acknowledged object", [{ id: offset(1) }]],
  ])("keeps events that end in %s", (_, args) => {
    const { received, receive } = decoding();

    receive(opening("pid"), event("news", ...args), event("news", ...args));

    expect(received).toHaveLength(2);
  });

  test("remembers a session while its connections change, and begins anew with another session", () => {
    const { decoder, received, receive } = decoding();
    const news = event("news", offset(1));

    receive(opening("first"), news);
    decoder.destroy();
    receive(opening("first"), news);
    expect(received).toHaveLength(1);
    receive(opening("second"), news);

    expect(received).toHaveLength(2);
  });

  test("takes the last argument for content where the session has no pid", () => {
    const { received, receive } = decoding();

    receive('0{"sid":"sid"}', event("news", offset(1)), event("news", offset(1)));

    expect(received).toHaveLength(2);
  });

  test("tells the sessions of two namespaces apart", () => {
    const { received, receive } = decoding();

    receive(opening("pid"), '0/admin,{"sid":"other","pid":"another"}');
    for (const frame of ["2", "2/admin,", "2", "2/admin,"])
      receive(`${frame}${JSON.stringify(["news", offset(1)])}`);

    expect(received).toHaveLength(2);
  });

  test("remembers a thousand events", () => {
    const { received, receive } = decoding();
    const all = Array.from({ length: 1001 }, (_, n) => event("news", offset(n)));

    receive(opening("pid"), ...all, ...all.slice(1));
    expect(received).toHaveLength(1001);
    receive(...all.slice(0, 1));

    expect(received).toHaveLength(1002);
  });

  test("reads what the encoder writes, with attachments", () => {
    const { decoder, received, receive } = decoding();
    const data = ["file", { bytes: Buffer.from("abc") }, offset(1)];
    const parts = () => new Encoder().encode({ type: 2, nsp: "/", data });

    receive(opening("pid"));
    for (const part of [...parts(), ...parts()]) decoder.add(part);

    expect(received).toEqual([data]);
  });

  test("refuses what is no packet", () => {
    expect(() => decoding().receive("9")).toThrow("unknown packet type");
  });
});

describe("a client with it", () => {
  const servers = new Set<WebSocketServer>();
  afterEach(() => {
    for (const server of servers) server.close();
    servers.clear();
  });

  /** A server that opens Engine.IO, and the next connection to it. */
  function serve() {
    const server = new WebSocketServer({ port: 0 });
    servers.add(server);
    server.on("connection", (socket) =>
      socket.send(
        `0${JSON.stringify({ sid: "e", upgrades: [], pingInterval: 9999, pingTimeout: 9999, maxPayload: 9999 })}`,
      ),
    );
    const accepted = async () => {
      const [socket] = (await once(server, "connection")) as [WebSocket];
      const [frame] = (await once(socket, "message")) as [Buffer];
      return { socket, auth: JSON.parse(String(frame).slice("40".length)) };
    };
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, accepted };
  }

  test("comes back with the pid and the offset of the last event that it kept", async () => {
    const { url, accepted } = serve();
    const first = accepted();
    const client = connect(url, { token: "token" });
    client.io.reconnectionDelay(1);
    const heard: unknown[] = [];
    client.onAny((_, payload) => heard.push(payload));
    const { socket, auth } = await first;
    expect(auth).toEqual({ token: "token" });
    socket.send(`4${opening("pid")}`);
    socket.send(`4${event("news", 1, offset(1))}`);
    socket.send(`4${event("news", 2, offset(2))}`);
    socket.send(`4${event("news", 1, offset(1, 9))}`);
    await until(() => heard.length === 2);

    const second = accepted();
    socket.terminate();
    const returned = await second;
    expect(returned.auth).toEqual({ token: "token", pid: "pid", offset: offset(2) });
    returned.socket.send(`4${opening("pid")}`);
    returned.socket.send(`4${event("news", 2, `${offset(2)}.5.x`)}`);
    returned.socket.send(`4${event("news", 3, offset(3))}`);
    await until(() => heard.length === 3);

    expect(heard).toEqual([1, 2, 3]);
    expect(client.recovered).toBe(true);
    client.disconnect();
  });
});
