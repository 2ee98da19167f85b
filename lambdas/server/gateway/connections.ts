import {
  type ApiGatewayManagementApiClient,
  DeleteConnectionCommand,
  GoneException,
  PayloadTooLargeException,
} from "@aws-sdk/client-apigatewaymanagementapi";
import type { Telemetry } from "#server/model/telemetry.ts";
import type { PostResult, Transport } from "#server/model/transport.ts";
import { LeanPostCommand } from "./lean-post.ts";
import { persist, statusOf } from "./retries.ts";

const TRIES = 8;

/** The frames' way out: the management API of the WebSocket endpoint. */
export type Gateway = Transport;

export interface GatewayParts {
  readonly client: ApiGatewayManagementApiClient;
  readonly pause: (milliseconds: number) => Promise<unknown>;
  readonly now: () => number;
  /** Told of every answer that says the management API has failed, whatever the next try brings. */
  readonly count: Telemetry["count"];
}

/** The gateway behind a management client. What is throttled, fails or breaks is tried again, with jitter, eight times in all. */
export function createGateway({ client, pause, now, count }: GatewayParts): Gateway {
  async function call(send: () => Promise<unknown>, latest?: number): Promise<PostResult> {
    try {
      await persist(send, { tries: TRIES, pause, now, latest, onFailure });
      return "sent";
    } catch (error) {
      if (error instanceof GoneException) return "gone";
      if (error instanceof PayloadTooLargeException) return "too_large";
      throw error;
    }
  }

  function onFailure(error: unknown): void {
    if (statusOf(error) >= 500) count("Management5xx");
  }

  return {
    post: (connectionId, frame, latest) =>
      call(
        () => client.send(new LeanPostCommand({ ConnectionId: connectionId, Data: frame })),
        latest,
      ),
    async close(connectionId) {
      await call(() => client.send(new DeleteConnectionCommand({ ConnectionId: connectionId })));
    },
  };
}
