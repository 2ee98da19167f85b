import { pollingId } from "../../lambdas/server/model/transport.ts";
import type { World } from "./world.ts";

/** A client of Engine.IO that begins with polling, as Socket.IO's own does, request by request. */
export interface PollingClient {
  readonly sid: string;
  readonly connectionId: string;
  /** Sends packets in one POST; gives the status and body. */
  post(...packets: readonly string[]): Promise<Answer>;
  /** One GET; gives the packets that it is answered. */
  get(key?: string): Promise<Answer>;
  /** GETs until there is nothing, or it is closed; gives the status of the last one. */
  drain(): Promise<number>;
  /** Opens a WebSocket connection that may take over; gives its connection id, or the status that refuses it. */
  link(): Promise<string | number>;
  /** All that it was sent, by GETs and by the link. */
  frames(): readonly string[];
}

interface Answer {
  readonly status: number;
  readonly packets: readonly string[];
}

/** A client that has shaken hands. */
export async function startPolling(world: World): Promise<PollingClient> {
  const opened = await world.request({ method: "GET", query: QUERY });
  const { sid } = JSON.parse(opened.body.slice(1)) as { sid: string };
  const query = { ...QUERY, sid };
  const received: string[] = [];
  let link: string | undefined;
  const ask = async (more: object): Promise<Answer> => {
    // What is thrown is a 500.
    const { statusCode: status, body } = await world
      .request({ query, ...more })
      .catch(() => ({ statusCode: 500, body: "" }));
    return { status, packets: body.split("\x1e") };
  };
  let gets = 0;
  let isClosed = false;
  const get = async (key = `t${++gets}`): Promise<Answer> => {
    const answer = await ask({ method: "GET", query: { ...query, t: key } });
    if (answer.status === 200 && !isClosed) received.push(...answer.packets);
    // A request that fails is the end for a client.
    isClosed ||= answer.status !== 200;
    return answer;
  };
  return {
    ...{ sid, connectionId: pollingId(sid), get },
    post: (...packets) => ask({ method: "POST", body: packets.join("\x1e") }),
    async drain() {
      for (;;) {
        const { status, packets } = await get();
        if (status !== 200 || packets.includes("1") || packets.includes("6")) return status;
      }
    },
    async link() {
      const given = await world.link(sid);
      if (typeof given === "string") link = given;
      return given;
    },
    frames: () => [...received, ...(link === undefined ? [] : world.framesOf(link))],
  };
}

/** One whose CONNECT was answered, with what the answer says. */
export async function connectPolling(
  world: World,
  userId: string,
  org: string,
  auth: object = {},
  more: object = {},
): Promise<PollingClient & { readonly answer: string }> {
  const client = await startPolling(world);
  await client.post(connectPacket(userId, org, auth, more));
  const { packets } = await client.get();
  return { ...client, answer: packets.join(",") };
}

/** A CONNECT of a user, whose token has these claims besides. */
export function connectPacket(userId: string, org: string, auth: object = {}, more = {}): string {
  const usual = { sub: userId, org, projects: ["p1"], scope: "api", exp: 9_999_999_999 };
  const token = JSON.stringify({ ...usual, ...more });
  return `40${JSON.stringify({ ...auth, token })}`;
}

export const QUERY = { EIO: "4", transport: "polling" };
