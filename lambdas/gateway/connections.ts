import {
  type ApiGatewayManagementApiClient,
  DeleteConnectionCommand,
  GoneException,
  PayloadTooLargeException,
} from "@aws-sdk/client-apigatewaymanagementapi";
import type { PostResult } from "#model/posting.ts";
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
}

/** The gateway behind a management client. What is throttled, fails or breaks is tried again, with jitter, eight times in all. */
export function createGateway({ client, pause }: GatewayParts): Gateway {
  async function persist(call: () => Promise<unknown>): Promise<PostResult> {
    for (let tries = 1; ; tries += 1) {
      try {
        await call();
        return "sent";
      } catch (error) {
        if (error instanceof GoneException) return "gone";
        if (error instanceof PayloadTooLargeException) return "too_large";
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

function isPassing(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { $metadata, code } = error as Error & Failure;
  return isPassingStatus($metadata?.httpStatusCode) || BROKEN.has(code ?? "");
}

interface Failure {
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly code?: string;
}
