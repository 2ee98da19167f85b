import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach } from "vitest";
import { until } from "./until.ts";

/** A server that answers nobody until it is opened: functions of tests wait for it. */
export interface Gate {
  readonly url: string;
  /** Resolves once so many wait, or have waited. */
  arrived(count: number): Promise<unknown>;
  open(): void;
}

/** Returns a function that makes gates, which are closed down after each test. */
export function gatePerTest(): () => Promise<Gate> {
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.close().closeAllConnections();
  });
  return async () => {
    const waiting: ServerResponse[] = [];
    let arrivals = 0;
    let isOpen = false;
    const server = createServer((_, response) => {
      arrivals += 1;
      if (isOpen) response.end();
      else waiting.push(response);
    }).listen(0, "127.0.0.1");
    servers.push(server);
    await once(server, "listening");
    return {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
      arrived: (count) => until(() => arrivals >= count),
      open() {
        isOpen = true;
        for (const response of waiting.splice(0)) response.end();
      },
    };
  };
}
