import {
  type ApiGatewayManagementApiClient,
  DeleteConnectionCommand,
  GoneException,
  PayloadTooLargeException,
} from "@aws-sdk/client-apigatewaymanagementapi";
import type { PostResult } from "#model/posting.ts";
import type { Telemetry } from "#model/telemetry.ts";
import { LeanPostCommand } from "./lean-post.ts";
import { isPassingStatus, waitAfter } from "./retries.ts";

const TRIES = 8;

/** The frames' way out: the management API of the WebSocket endpoint. */
export interface Gateway {
  post(connectionId: string, frame: string): Promise<PostResult>;
  /** Cuts a connection; one that is gone already is just that. */
  close(connectionId: string): Promise<void>;
}

export interface GatewayParts {
  readonly client: ApiGatewayManagementApiClient;
  readonly pause: (milliseconds: number) => Promise<unknown>;
  /** Told of every answer that says the management API has failed, whatever the next try brings. */
  readonly count: Telemetry["count"];
}

/** The gateway behind a management client. What is throttled, fails or breaks is tried again, with jitter, eight times in all. */
export function createGateway({ client, pause, count }: GatewayParts): Gateway {
  async function persist(call: () => Promise<unknown>): Promise<PostResult> {
    for (let tries = 1; ; tries += 1) {
      try {
        await call();
        return "sent";
      } catch (error) {
        if (error instanceof GoneException) return "gone";
        if (error instanceof PayloadTooLargeException) return "too_large";
        if (statusOf(error) >= 500) count("Management5xx");
        if (!isPassing(error) || tries === TRIES) throw error;
      }
      await pause(waitAfter(tries));
    }
  }

  return {
    post: (connectionId, frame) =>
      persist(() => client.send(new LeanPostCommand({ ConnectionId: connectionId, Data: frame }))),
    async close(connectionId) {
      await persist(() => client.send(new DeleteConnectionCommand({ ConnectionId: connectionId })));
    },
  };
}

/** A connection that was kept alive while the function was frozen may be closed at its other end. */
const BROKEN = new Set(["UND_ERR_SOCKET", "ECONNRESET", "EPIPE", "ECONNREFUSED"]);

const isPassing = (error: unknown): boolean =>
  isPassingStatus(statusOf(error)) || BROKEN.has((error as Failure).code ?? "");

const statusOf = (error: unknown): number => (error as Failure).$metadata?.httpStatusCode ?? 0;

/** What an error of the SDK or of the pool says of itself. */
interface Failure {
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly code?: string;
}
