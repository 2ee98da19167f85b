import * as z from "zod/mini";
import { findAll } from "./admin/all-sockets.ts";
import { createCredentials } from "./admin/credentials.ts";
import { ADMIN, namespaceOf } from "./admin/shown.ts";
import { createWatch, type EveryoneIn, everyoneIn } from "./admin/watch.ts";
import { type AnyApp, ConnectError, defineEvent, defineNamespace, EventError } from "./app.ts";
import { describeFault } from "./describe-fault.ts";
import { json, read } from "./environment.ts";
import { optional } from "./model/fields.ts";
import type { Watch } from "./pipeline/report.ts";
import { type Runtime, requestHandler } from "./runtime.ts";
import type { Broadcast, Io, Untyped } from "./socket/broadcast.ts";
import type { Adapter } from "./store/adapter.ts";
import { createSecretReader } from "./store/secrets.ts";

/** Passwords that may be tried in a second, by all together. */
const TRIES_PER_SECOND = 1;

/** What the construct sets where a server has an Admin UI. */
const Settings = z.object({
  ADMIN: json(z.object({ secretArn: z.string(), readonly: z.boolean() })),
});

/** Where the parts of the Admin UI are among an application's stores: no name of the application's. */
const PARTS = Symbol("admin");

/** What the handlers of the Admin UI have of their own. */
interface AdminStores {
  readonly [PARTS]: ReturnType<typeof createParts>;
}

interface AdminTypes extends Untyped {
  readonly Stores: AdminStores;
}

/** An application with the namespace of the Admin UI (`@socket.io/admin-ui`), `/admin`. */
export function withAdmin<App extends AnyApp>(app: App): App {
  if (Object.hasOwn(app.namespaces, ADMIN))
    throw new Error(`the application declares ${ADMIN}, which is the Admin UI's namespace`);
  const everyone = everyoneIn(app);
  return {
    ...app,
    namespaces: { ...app.namespaces, [ADMIN]: namespace },
    watch: (runtime: Runtime, adapter: Adapter): Watch => ({
      ...createWatch(runtime, adapter, everyone),
      stores: { [PARTS]: createParts(runtime, adapter, app, everyone) },
    }),
  };
}

function createParts(
  runtime: Runtime,
  adapter: Adapter,
  { namespaces }: AnyApp,
  everyone: EveryoneIn,
) {
  const { secretArn, readonly } = read(Settings, runtime.variables).ADMIN;
  const secret = createSecretReader(runtime.now, { requestHandler })(secretArn);
  const tries = { kind: "adminLogins", owner: [ADMIN], perSecond: TRIES_PER_SECOND };
  return {
    ...{ readonly, everyone, namespaces },
    isSocket: async (id: string) => (await adapter.sessions.get(id)) !== undefined,
    credentials: createCredentials(secret, runtime.now),
    isTriedTooOften: async () => (await adapter.rateLimits.take(tries)) !== undefined,
    findAll: () => findAll(adapter, runtime, everyone),
  };
}

const refuse = (reason: string) => new ConnectError("invalid credentials", { reason });

const isWritable = ({ [PARTS]: { readonly } }: AdminStores) => {
  if (readonly) throw new EventError("forbidden", "the Admin UI is read-only here");
  return {};
};

/**
 * The sockets that a command is for: those of a namespace, or of a room in it, or one by its id; refuses what reaches
 * nobody, and to have sockets join or leave the room of all, which the Admin UI is not shown.
 */
async function target(
  {
    io,
    [PARTS]: { namespaces, everyone, isSocket },
  }: AdminStores & { readonly io: Io<AdminTypes> },
  shown: string,
  filter: string | undefined,
  room?: string,
): Promise<Broadcast> {
  const { nsp, tenant } = namespaceOf(shown) ?? {};
  if (nsp === undefined || !Object.hasOwn(namespaces, nsp))
    throw new EventError("invalid_payload", `there is no namespace ${shown}`);
  if (room === everyone(nsp))
    throw new EventError("forbidden", `every socket of ${shown} is in the room ${room}`);
  if (filter && namespaces[nsp]?.ownRoom === false && (await isSocket(filter)))
    throw new EventError("forbidden", `${shown} has no rooms of one socket (ownRoom: false)`);
  const sockets = io.of(nsp, tenant);
  return filter ? sockets.in(filter) : sockets;
}

/** Emits what somebody has typed: what is wrong with it is told to them. */
function emitTyped(to: Broadcast, event: string, args: readonly unknown[]): void {
  try {
    to.emitAny(event, ...args);
  } catch (cause) {
    const message = cause instanceof z.core.$ZodError ? describeFault(cause, event) : String(cause);
    throw new EventError("invalid_payload", message, { cause });
  }
}

const filter = optional(z.string());

const namespace = defineNamespace<AdminTypes>({
  async authenticate({ auth: { username, password, sessionId } }, { [PARTS]: parts }) {
    const { credentials } = parts;
    const known = typeof sessionId === "string" ? await credentials.resume(sessionId) : undefined;
    if (known === undefined && password === undefined) throw refuse("no session of the Admin UI");
    if (known === undefined && (await parts.isTriedTooOften()))
      throw new ConnectError("too many tries; wait some seconds");
    const admitted = known ?? (await credentials.login(username, password));
    if (admitted === undefined) throw refuse("wrong name or password of the Admin UI");
    const { expiresAt, ...user } = admitted;
    return { tenant: ADMIN, userId: user.username, expiresAt, data: { sessionId: user.sessionId } };
  },

  async onConnect(socket, { [PARTS]: { readonly, findAll } }) {
    const commands = ["EMIT", "JOIN", "LEAVE", "DISCONNECT", "MJOIN", "MLEAVE", "MDISCONNECT"];
    socket.emit("session", socket.data.sessionId);
    socket.emit("config", { supportedFeatures: ["ALL_EVENTS", ...(readonly ? [] : commands)] });
    const { stats, sockets, rest } = await findAll();
    for (const [event, ...args] of [stats, sockets, ...rest]) socket.emit(event, ...args);
  },

  events: [
    defineEvent({
      name: "emit",
      payload: () => z.tuple([z.string(), filter, z.string()], z.unknown()),
      access: isWritable,

      async handle(call) {
        const [nsp, room, event, ...args] = call.payload;
        emitTyped(await target(call, nsp, room), event, args);
      },
    }),
    defineEvent({
      name: "join",
      payload: () => z.tuple([z.string(), z.string(), filter]),
      access: isWritable,

      async handle(call) {
        const [nsp, room, of] = call.payload;
        await (await target(call, nsp, of, room)).socketsJoin(room);
      },
    }),
    defineEvent({
      name: "leave",
      payload: () => z.tuple([z.string(), z.string(), filter]),
      access: isWritable,

      async handle(call) {
        const [nsp, room, of] = call.payload;
        (await target(call, nsp, of ?? room, room)).socketsLeave(room);
      },
    }),
    defineEvent({
      name: "_disconnect",
      payload: () => z.tuple([z.string(), z.boolean(), filter]),
      access: isWritable,

      async handle(call) {
        const [nsp, close, of] = call.payload;
        (await target(call, nsp, of)).disconnectSockets(close);
      },
    }),
  ],
});
