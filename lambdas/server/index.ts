/**
 * The public surface of the server, `serverless-socket-io/server`: what an application declares, and the
 * handlers of an application that has entry files of its own.
 */

export { watched } from "./admin/watch.ts";
export { withAdmin } from "./admin.ts";
export {
  type Access,
  type AccessRequest,
  Acknowledgement,
  type App,
  type AppTypes,
  type Authenticated,
  ConnectError,
  type Context,
  type Departed,
  type Domain,
  defineApp,
  defineEvent,
  defineNamespace,
  type EventDefinition,
  EventError,
  everybody,
  type Handshake,
  Instead,
  type LeanApp,
  type Lifecycle,
  type Listener,
  type Middleware,
  type Namespace,
  type Otherwise,
  TimeoutError,
  type UntypedApp,
  type Upgrade,
} from "./app.ts";
export type { RefusalCode } from "./errors.ts";
export { fanOutHandler } from "./functions/fan-out.ts";
export { heartbeatHandler } from "./functions/heartbeat.ts";
export { pollingHandler } from "./functions/polling.ts";
export { publishHandler } from "./functions/publish.ts";
export { socketHandler } from "./functions/socket.ts";
export type { Claim, DisconnectReason } from "./model/session.ts";
export { definePublication, type Publication, type Publications } from "./publications.ts";
export type { AppRuntime } from "./runtime.ts";
export type {
  Broadcast,
  Emit,
  Io,
  Page,
  RemoteSocket,
  Sockets,
  TimeoutEmitter,
} from "./socket/broadcast.ts";
export type { Socket } from "./socket/socket.ts";
export type { AppAdapter } from "./store/app-adapter.ts";
