import { setTimeout as pause } from "node:timers/promises";
import pMap from "p-map";
import { io, type Socket } from "socket.io-client";
import { signToken } from "../../client/token.ts";
import type { LocalStack } from "../../local/stack.ts";
import { ask, ORG, type Scene, scriptOf } from "./scenes.ts";

/** Clients that connect at the same time. */
const AT_ONCE = 50;

/** Milliseconds for which clients are waited for. */
const PATIENCE = 120_000;

export interface CrowdParts {
  readonly stack: LocalStack;
  readonly secret: string;
  readonly say: (text: string) => void;
}

/** The users of a scene. */
export interface Crowd {
  /** Connects all, and has them join their rooms. */
  connect(): Promise<void>;
  /** Sends what users send in these seconds, evenly; resolves with how many, once all are acknowledged. */
  send(seconds: number): Promise<number>;
  /** How many were received, and how many should have been. */
  readonly deliveries: { readonly received: number; readonly due: number };
  /** Resolves once all who have lost their connection have come back as the same sockets, with how often that was. */
  returned(): Promise<number>;
  disconnect(): void;
}

/** Resolves at a time of this process. */
const until = (time: number): Promise<unknown> => pause(Math.max(0, time - performance.now()));

/** Users that are not connected yet. */
export function createCrowd(scene: Scene, parts: CrowdParts): Crowd {
  const { stack, say } = parts;
  const script = scriptOf(scene.name);
  const sockets: Socket[] = [];
  const deliveries = { received: 0, due: 0 };
  let [losses, returns] = [0, 0];
  const roomOf = (user: number) => `room-${Math.floor(user / scene.room)}`;
  const sizeOf = (user: number) =>
    Math.min(scene.room, scene.users - Math.floor(user / scene.room) * scene.room);

  async function connectOne(user: number): Promise<void> {
    const claims = { sub: `user-${user}`, org: ORG, projects: ["p1", roomOf(user)] };
    const socket = io(stack.url, {
      ...{ transports: ["websocket"], forceNew: true, timeout: PATIENCE },
      ...{ reconnectionDelay: 100, reconnectionDelayMax: 1000 },
      auth: { token: await signToken(claims, parts.secret) },
    });
    sockets[user] = socket;
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      // What it has been refused for does not pass; what else fails is tried again.
      socket.on("connect_error", (error) => (socket.active ? undefined : reject(error)));
    });
    // The stock client says so again where it is cut before its CONNECT is answered.
    let isConnected = true;
    socket.on("disconnect", () => {
      losses += Number(isConnected);
      isConnected = false;
    });
    socket.on("connect", () => {
      returns += Number(socket.recovered);
      isConnected = true;
    });
    socket.on(script.received, () => (deliveries.received += 1));
    const joining = script.join(roomOf(user));
    if (joining !== undefined) await ask(socket, ...joining);
  }

  return {
    deliveries,

    async connect() {
      let connected = 0;
      const tenth = Math.max(1, Math.ceil(scene.users / 10));
      await pMap(
        Array.from({ length: scene.users }, (_, user) => user),
        async (user) => {
          await connectOne(user);
          connected += 1;
          if (connected % tenth === 0) say(`${connected} users are connected …`);
        },
        { concurrency: AT_ONCE },
      );
    },

    async send(seconds) {
      const count = Math.round((scene.users * scene.messagesPerMinute * seconds) / 60);
      const began = performance.now();
      const sent: Promise<unknown>[] = [];
      for (let n = 0; n < count; n += 1) {
        await until(began + (n * seconds * 1000) / count);
        // Neighbours are in one room: rooms take turns.
        const user = (n * scene.room + Math.floor((n * scene.room) / scene.users)) % scene.users;
        deliveries.due += sizeOf(user) - (script.sender === "does not receive" ? 1 : 0);
        sent.push(script.send(sockets[user] as Socket, roomOf(user), n, stack));
      }
      await until(began + seconds * 1000);
      await Promise.all(sent);
      return count;
    },

    async returned() {
      const end = performance.now() + PATIENCE;
      while (returns < losses) {
        if (performance.now() > end)
          throw new Error(`Only ${returns} of ${losses} sockets came back.`);
        await pause(20);
      }
      return returns;
    },

    disconnect() {
      for (const socket of sockets) socket.disconnect();
    },
  };
}
