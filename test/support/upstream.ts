import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A request that an external back end received. */
export interface UpstreamRequest {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** An external back end, on this machine. */
export interface Upstream {
  readonly url: string;
  readonly requests: readonly UpstreamRequest[];
  stop(): void;
}

/** Starts a back end with this handler. */
export async function upstream(
  answer: (request: UpstreamRequest, response: ServerResponse) => void,
): Promise<Upstream> {
  const requests: UpstreamRequest[] = [];
  const server = createServer(async (message, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of message) chunks.push(chunk as Buffer);
    const { method, url, headers } = message;
    const request = { method, url, headers, body: Buffer.concat(chunks).toString() };
    requests.push(request);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** A back end that answers everything with an empty object. */
export const emptyUpstream = (): Promise<Upstream> =>
  upstream((_, response) => {
    response.setHeader("content-type", "application/json").end("{}");
  });
