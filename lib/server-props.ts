import type { RetentionDays } from "aws-cdk-lib/aws-logs";
import type { Heartbeat, Limits } from "../lambdas/server/model/limits.ts";
import type { EntryFiles } from "./entries.ts";
import type { Transport } from "./transports.ts";

/** The code of an application: its one file, or a file for each function. */
type ServerCode =
  | {
      /** Path of the file with `export const app = defineApp({ … })`; a relative one is from where the CDK runs. */
      readonly app: string;
    }
  | {
      /** Paths of files that each export `handler`, e.g. `socketHandler(app)`, `await pollingHandler(app)`; for functions with a wiring of their own. */
      readonly functions: EntryFiles;
    };

/** Who may watch a server in Socket.IO's Admin UI, and what they may do. */
export interface AdminProps {
  /**
   * ARN of a Secrets Manager secret, of JSON: `{ "username": "…", "password": "$2b$10$…" }`, the password as a
   * bcrypt hash, as `hashSync` of the package bcryptjs makes it.
   */
  readonly secretArn: string;
  /** ARN of the KMS key that the secret is encrypted with, if it is your own. */
  readonly secretKeyArn?: string | undefined;
  /** Whether they may only watch: not emit, join, leave or disconnect. Default: true. */
  readonly readonly?: boolean | undefined;
}

/** What a server is deployed with besides its code; each has a default. */
export interface ServerOptions {
  /**
   * Limits of the server, e.g. `{ roomsPerSocket: 50 }`. Each has its unit, bounds and default where it is
   * declared, in `LIMITS` (docs/api.md).
   */
  readonly limits?: Partial<Limits>;
  /** Limits of the application itself, which its functions read together with the server's. Default: none. */
  readonly applicationLimits?: Readonly<Record<string, number>>;
  /**
   * `pingInterval` and `pingTimeout` in milliseconds, the former in whole minutes, and `maxPayload` in
   * bytes, as Engine.IO announces them. Bounds and defaults: `HEARTBEAT`, beside `LIMITS`.
   */
  readonly heartbeat?: Partial<Heartbeat>;
  /** Origins of web pages that may connect, e.g. `https://app.example.org`. Default: all. */
  readonly allowedOrigins?: readonly string[];
  /**
   * How clients connect: `["polling", "websocket"]`, the default, or `["websocket"]`. Polling needs an edge.
   */
  readonly transports?: readonly Transport[] | undefined;
  /** Environment variables of the application, which all functions get. Default: none. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Packages that the socket and polling functions load late or never: they lie beside their bundles. Default: none. */
  readonly lateModules?: readonly string[];
  /** Memory of each function in MiB, but of the polling function. Default: 512. */
  readonly memorySize?: number | undefined;
  /** Memory of the polling function in MiB. Default: 256. */
  readonly pollingMemorySize?: number | undefined;
  /** Executions reserved for the socket function, which is also its maximum. Default: none are reserved. */
  readonly socketConcurrency?: number | undefined;
  /** The same for the heartbeat function, which needs one for each of the limit `shards`. Default: none. */
  readonly heartbeatConcurrency?: number | undefined;
  /**
   * The same for the polling function, 2 at least; a GET that waits for packets occupies one. Default: none.
   */
  readonly pollingConcurrency?: number | undefined;
  /**
   * Upgrades, frames, and requests of long polling, each in a second and of all sockets together; half as
   * many may come at once. Default: 2000.
   */
  readonly requestsPerSecond?: number | undefined;
  /** Days for which logs are kept. Default: 30. */
  readonly logRetention?: RetentionDays | undefined;
  /** Whether X-Ray traces the functions. Default: false. */
  readonly tracing?: boolean | undefined;
  /** Whether the table is kept when the stack is deleted. Default: true. */
  readonly deletionProtection?: boolean | undefined;
  /**
   * Serves Socket.IO's Admin UI in the namespace `/admin`. With `functions`, wrap the application in `withAdmin` for
   * `socket` and `polling`, and in `watched` for the others. Default: there is none.
   */
  readonly admin?: AdminProps | undefined;
  /** Whether API Gateway logs every request; fails if the account and region have no role for it. Default: false. */
  readonly accessLogs?: boolean | undefined;
  /** Whether to set that role, which all APIs of the account and region share. Default: false. */
  readonly gatewayLogRole?: boolean | undefined;
}

/** What a server is deployed with; only its code is required. */
export type SocketIoServerProps = ServerCode & ServerOptions;
