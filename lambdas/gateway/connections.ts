import {
  type ApiGatewayManagementApiClient,
  DeleteConnectionCommand,
  GoneException,
  LimitExceededException,
  PostToConnectionCommand,
} from "@aws-sdk/client-apigatewaymanagementapi";
import type { PostResult } from "#model/posting.ts";

const TRIES = 5;
const FIRST_WAIT = 50;

/** The frames' way out: the management API of the WebSocket endpoint. */
export interface Gateway {
  post(connectionId: string, frame: string): Promise<PostResult>;
  /** Cuts a connection; one that is gone already is just that. */
  close(connectionId: string): Promise<void>;
}

export interface GatewayParts {
  readonly client: ApiGatewayManagementApiClient;
  readonly pause: (milliseconds: number) => Promise<unknown>;
}

/** The gateway behind a management client. Throttled calls are tried again, with jitter, five times in all. */
export function createGateway({ client, pause }: GatewayParts): Gateway {
  async function persist(call: () => Promise<unknown>): Promise<PostResult> {
    for (let tries = 1; ; tries += 1) {
      try {
        await call();
        return "sent";
      } catch (error) {
        if (error instanceof GoneException) return "gone";
        if (!isPassing(error) || tries === TRIES) throw error;
      }
      await pause(FIRST_WAIT * 2 ** tries * Math.random());
    }
  }

  return {
    post: (connectionId, frame) =>
      persist(() =>
        client.send(new PostToConnectionCommand({ ConnectionId: connectionId, Data: frame })),
      ),
    async close(connectionId) {
      await persist(() => client.send(new DeleteConnectionCommand({ ConnectionId: connectionId })));
    },
  };
}

const isPassing = (error: unknown): boolean =>
  error instanceof LimitExceededException ||
  (error instanceof Error &&
    "$metadata" in error &&
    isPassingStatus((error.$metadata as { httpStatusCode?: number }).httpStatusCode));

const isPassingStatus = (status = 0): boolean => status === 429 || status >= 500;
