import type { Server } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** The address that a server listens on; port 0 for any free one. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Starts a server and returns its URL. Throws one sentence if the port is in use, or the host is not an address of this machine. */
export function listen(server: Server, { host, port }: Address): Promise<string> {
  // Node would listen on every address.
  if (host === "") return Promise.reject(new Error(notLocal({ host, port })));
  return new Promise((resolve, reject) => {
    server.once("error", ({ code, message }: NodeJS.ErrnoException) =>
      reject(new Error(SENTENCES[code ?? ""]?.({ host, port }) ?? message)),
    );
    server.listen(port, host, () => {
      const { address, family, port: taken } = server.address() as AddressInfo;
      // A server on all addresses is reached by the loopback address.
      const reached = { "0.0.0.0": "127.0.0.1", "::": "[::1]" }[address];
      resolve(`http://${reached ?? (family === "IPv6" ? `[${address}]` : address)}:${taken}`);
    });
  });
}

const notLocal = ({ host }: Address) =>
  `--host must be an address of this machine, not ${JSON.stringify(host)}.`;

const SENTENCES: Readonly<Record<string, (address: Address) => string>> = {
  EADDRINUSE: ({ port }) => `Port ${port} is in use: choose another with --port.`,
  EACCES: ({ port }) =>
    `Port ${port} needs more rights than this user has: choose another with --port.`,
  EADDRNOTAVAIL: notLocal,
  ENOTFOUND: notLocal,
  EAI_AGAIN: notLocal,
  EINVAL: notLocal,
};

/** Throws one sentence if no server can listen there. */
export async function tryToListen(address: Address): Promise<void> {
  const server = createServer();
  await listen(server, address);
  await new Promise((resolve) => server.close(resolve));
}
