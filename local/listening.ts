import type { Server } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** Where clients connect; port 0 takes any that is free. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Opens a server; gives its URL. Throws one sentence where the port is taken, or the host is not of this machine. */
export function listen(server: Server, { host, port }: Address): Promise<string> {
  // To Node, no host is every address.
  if (host === "") return Promise.reject(new Error(notHere({ host, port })));
  return new Promise((resolve, reject) => {
    server.once("error", ({ code, message }: NodeJS.ErrnoException) =>
      reject(new Error(SENTENCES[code ?? ""]?.({ host, port }) ?? message)),
    );
    server.listen(port, host, () => {
      const { address, family, port: taken } = server.address() as AddressInfo;
      // Every address of this machine is reached by the first.
      const reached = { "0.0.0.0": "127.0.0.1", "::": "[::1]" }[address];
      resolve(`http://${reached ?? (family === "IPv6" ? `[${address}]` : address)}:${taken}`);
    });
  });
}

const notHere = ({ host }: Address) =>
  `--host takes an address of this machine, not ${JSON.stringify(host)}.`;

const SENTENCES: Readonly<Record<string, (address: Address) => string>> = {
  EADDRINUSE: ({ port }) => `Port ${port} is taken: choose another with --port.`,
  EACCES: ({ port }) => `Port ${port} is not for every user: choose another with --port.`,
  EADDRNOTAVAIL: notHere,
  ENOTFOUND: notHere,
  EAI_AGAIN: notHere,
  EINVAL: notHere,
};

/** Throws one sentence where nothing can be opened there. */
export async function tryToListen(address: Address): Promise<void> {
  const server = createServer();
  await listen(server, address);
  await new Promise((resolve) => server.close(resolve));
}
