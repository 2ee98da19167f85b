import { stack } from "./running.ts";
import { openWebSocket, type RawClient } from "./websocket.ts";

/** Opens a WebSocket at the stage; rejects with the HTTP status if the upgrade is refused. */
export function rawClient(
  query = "EIO=4&transport=websocket",
  headers: Readonly<Record<string, string>> = {},
  path = stack.stagePath,
): Promise<RawClient> {
  return openWebSocket(`${stack.url.replace("http", "ws")}${path}${query && `?${query}`}`, headers);
}

/** A plain WebSocket client that is connected to the namespace with this token. */
export async function rawSocket(token: string): Promise<RawClient> {
  const client = await rawClient();
  await client.nextFrame();
  client.send(`40${JSON.stringify({ token })}`);
  await client.nextFrame();
  return client;
}
