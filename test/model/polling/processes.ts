import { createLinks } from "../../../lambdas/server/engine/transports/links.ts";
import { createTransport } from "../../../lambdas/server/engine/transports/transport.ts";
import type { Transport } from "../../../lambdas/server/model/transport.ts";
import type { Parts } from "../../../lambdas/server/pipeline/parts.ts";
import { createPoll } from "../../../lambdas/server/pipeline/poll.ts";
import { createProbe } from "../../../lambdas/server/pipeline/probe.ts";
import type { Sender } from "../../../lambdas/server/pipeline/sender.ts";
import { type Options, queuesOver } from "./client.ts";
import type { Ask, Process, View } from "./explore.ts";
import { cutLink, readPackets } from "./net.ts";

export const OWNER = "poll:p1";
const LINK = "w1";

/** One function: what it does is the code itself. */
function functionOver(ask: Ask, now: () => number, options: Options) {
  const links = createLinks();
  const queues = queuesOver(ask, now, options);
  const webSocket: Transport = {
    post: (_, frame) =>
      ask({
        label: `posts ${frame}`,
        net(net) {
          const { client } = net;
          if (client.isUnlinked || !client.isAlive) return "gone";
          if (frame === "3probe") client.isPausing = true;
          else readPackets(net, [frame]);
          return "sent";
        },
      }) as ReturnType<Transport["post"]>,
    close: async () => void (await ask({ label: "cuts the link", net: cutLink })),
  };
  const ids = (function* () {
    for (let n = 1; ; n += 1) yield `id${n}`;
  })();
  return { links, queues, webSocket, ids };
}

/** Sends packets one after another; each `id` is the function's own. */
export const broadcaster = (
  name: string,
  packets: readonly string[],
  { silence = 0, isTimed = false, ...options }: Options & { silence?: number; isTimed?: boolean },
): Process => ({
  ...{ name, isTimed },
  async run(ask, now) {
    const later = () => (isTimed ? now() : 1000) + silence;
    const { links, queues, webSocket, ids } = functionOver(ask, later, options);
    const newId = () => `${name}.${ids.next().value}`;
    const transport = createTransport({
      ...{ queues, webSocket, links, newId, now },
      pause: async () => undefined,
    });
    for (const packet of packets) {
      // A client of which nobody knows what it has got is cut, as one that is gone.
      const result = await transport.post(OWNER, [packet]).catch(() => "unknown");
      if (result === "sent") continue;
      await ask({
        label: "finds it gone",
        net(net) {
          net.isRefused = true;
        },
      });
      return transport.close(OWNER);
    }
  },
});

/** The client: one GET at a time, and none once it is pausing. */
export const client = (turns: number): Process => ({
  name: "the client",
  async run(ask) {
    for (let turn = 1; turn <= turns; turn += 1) {
      const goesOn = await ask({
        label: `sends GET ${turn}`,
        net({ client, gets }) {
          if (!client.isAlive || client.isPausing) return false;
          client.isPolling = true;
          gets[turn] = { attempt: 1, received: 0 };
          return true;
        },
      });
      if (!goesOn) return;
      await ask({
        label: `is answered GET ${turn}`,
        when: ({ net: { client, gets } }) =>
          !client.isAlive || gets[turn]?.answer !== undefined || gets[turn]?.isRefused === true,
        net(net) {
          const get = net.gets[turn];
          net.client.isPolling = false;
          if (!net.client.isAlive || get === undefined) return;
          get.isReceived = true;
          if (get.isRefused) net.client.isAlive = false;
          else readPackets(net, get.answer ?? []);
        },
      });
    }
  },
});

/** The function that serves a GET, or the second one that serves it because it was repeated on its way. */
export const server = (
  turn: number,
  attempt: number,
  { checks, ...options }: Options & { readonly checks: number },
): Process => ({
  name: `GET ${turn}${attempt === 2 ? "'" : ""}`,
  isMortal: attempt === 1,
  async run(ask, now) {
    const receivedAt = (await ask({
      label: "is received",
      when: ({ net: { gets } }) => gets[turn]?.received === attempt - 1,
      net(net) {
        const get = net.gets[turn];
        if (get === undefined) return false;
        net.clock += 1;
        get.received = attempt;
        if (attempt === 1) return net.clock;
        if (get.isReceived || !net.client.isAlive) return false;
        get.attempt = 2;
        delete get.answer;
        delete get.isRefused;
        return net.clock;
      },
    })) as number | false;
    if (receivedAt === false) return;
    const { queues } = functionOver(ask, now, options);
    const parts = {
      adapter: { queues, connections: { get: async () => ({ sockets: { "/": {} } }) } },
      runtime: {
        ...{ now, pause: async () => undefined, variables: {} },
        limits: { pollWait: checks / 10 },
      },
    };
    const request = {
      ...{ method: "GET", headers: {}, query: { t: `t${turn}` }, body: "" },
      ...{ requestId: `${turn}.${attempt}`, receivedAt },
    };
    const { statusCode, body } = await createPoll(parts as unknown as Parts)(OWNER, request);
    const packets = body.split("\x1e");
    await ask({
      label: `answers ${statusCode === 200 ? packets : statusCode}`,
      net({ gets }) {
        const get = gets[turn];
        if (get === undefined || get.attempt !== attempt || get.isReceived) return;
        if (statusCode === 200) get.answer = packets;
        else get.isRefused = true;
      },
    });
  },
});

/** The functions that serve the frames of a link. */
function probing(ask: Ask, now: () => number, options: Options) {
  const { links, queues, webSocket } = functionOver(ask, now, options);
  const close = async () => {
    const link = await queues.close(OWNER, "1");
    if (link !== undefined) await webSocket.close(link);
  };
  const sender = { close: webSocket.close, cut: close } as unknown as Sender;
  const nothing = async () => undefined;
  const parts = {
    ...{ links, runtime: { gateway: webSocket } },
    adapter: { queues, upgrades: { note: nothing, keep: nothing, noteSession: nothing } },
  };
  return { queues, probe: createProbe(parts as unknown as Parts, sender) };
}

const FROM = { owner: OWNER, link: LINK };

/** The client probes, and sends `5` when no GET of its is under way. */
export const prober = (options: Options): Process => ({
  name: "2probe",
  async run(ask, now) {
    await probing(ask, now, options).probe.probe(FROM);
    await ask({
      label: "is answered: the client sends 5",
      when: ({ net: { client } }) => !client.isPolling || !client.isAlive,
      net({ client }) {
        client.hasUpgraded = client.isAlive && client.isPausing && !client.isUnlinked;
      },
    });
  },
});

export const upgrader = (name: string, options: Options): Process => ({
  name,
  isMortal: true,
  async run(ask, now) {
    const goesOn = await ask({
      label: "is received",
      when: ({ net: { client } }) => client.hasUpgraded !== undefined,
      net: ({ client }) => client.hasUpgraded,
    });
    // What it throws is logged.
    if (goesOn)
      await probing(ask, now, options)
        .probe.upgrade(FROM)
        .catch(() => undefined);
  },
});

/** The probing connection closes before the client has sent `5`. */
export const givesUp = (options: Options): Process => ({
  name: "$disconnect",
  async run(ask, now) {
    const isGone = await ask({
      label: "of the link comes",
      net(net) {
        if (net.client.hasUpgraded !== undefined) return false;
        cutLink(net);
        return true;
      },
    });
    if (isGone) await probing(ask, now, options).queues.unprobe(OWNER, LINK);
  },
});

export const end = (options: Options, when?: (view: View) => boolean): Process => ({
  name: "the end",
  async run(ask, now) {
    if (when !== undefined) await ask({ label: "waits", when, net: () => undefined });
    const { queues, webSocket } = functionOver(ask, now, options);
    const link = await queues.close(OWNER, "1");
    if (link !== undefined) await webSocket.close(link);
  },
});

/** The sweep, which cuts a link that has not taken over. */
export const sweep = (when: (view: View) => boolean): Process => ({
  name: "the sweep",
  run: (ask) => ask({ label: "cuts the link", when, net: cutLink }),
});

export const network = (): Process => ({
  name: "the network",
  run: (ask) =>
    ask({
      label: "cuts the client",
      net({ client }) {
        client.isAlive = false;
      },
    }),
});
