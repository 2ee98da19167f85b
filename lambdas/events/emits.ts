import * as z from "zod/mini";
import { looseObject, record } from "#model/fields.ts";

const Timestamp = z.string();
const Profile = z.object({
  id: z.string(),
  email: z.optional(z.string()),
  firstName: z.optional(z.string()),
  lastName: z.optional(z.string()),
});

const Endpoint = z.object({
  integrationId: z.string(),
  endpoint: z.string(),
  timestamp: Timestamp,
});
const ChatSummary = z.object({
  _id: z.string(),
  name: z.string(),
  type: z.enum(["direct", "group"]),
});

const ProjectChange = z.object({
  projectId: z.string(),
  action: z.string(),
  data: z.unknown(),
  timestamp: Timestamp,
});
const CollectionChange = z.extend(ProjectChange, { collectionId: z.string() });
const DocumentChange = z.object({
  projectId: z.string(),
  collectionId: z.string(),
  action: z.enum(["create", "update", "delete"]),
  data: z.unknown(),
  queryId: z.optional(z.string()),
  timestamp: Timestamp,
});
const Wallet = z.object({
  addressId: z.string(),
  address: z.string(),
  chain: z.string(),
  project: z.string(),
  org: z.string(),
  timestamp: Timestamp,
});
const Transaction = z.extend(Wallet, {
  txHash: z.string(),
  amount: z.string(),
  currency: z.string(),
  direction: z.enum(["incoming", "outgoing"]),
});

const ChatMessage = z.object({
  _id: z.string(),
  content: z.string(),
  sender: z.string(),
  chat: z.string(),
  type: z.string(),
  replyTo: z.optional(z.string()),
  mentions: z.array(z.string()),
  createdAt: Timestamp,
});

/** Every event this server sends, with what it may carry: anything else is left out. */
export const emitSchemas = {
  /** The organisation has as many connections as it may. */
  error: z.object({ message: z.string(), limit: z.number() }),
  exception: z.object({
    code: z.string(),
    message: z.string(),
    event: z.string(),
    retryAfterMs: z.optional(z.number()),
  }),

  subscribed: z.object({
    type: z.enum(["collection", "document", "query"]),
    id: z.string(),
    projectId: z.string(),
    collectionId: z.optional(z.string()),
  }),
  unsubscribed: z.object({ type: z.literal("collection"), id: z.string() }),

  "integration:error": z.object({
    integrationId: z.optional(z.string()),
    code: z.string(),
    error: z.string(),
    retryAfterMs: z.optional(z.number()),
  }),
  "integration:joined": z.object({
    integrationId: z.string(),
    projectId: z.string(),
    room: z.string(),
  }),
  "integration:left": z.object({ integrationId: z.string() }),
  "integration:execution:started": Endpoint,
  "integration:execution:completed": z.union([
    z.extend(Endpoint, { result: z.object({ success: z.literal(true), data: z.unknown() }) }),
    z.extend(Endpoint, { success: z.literal(true) }),
  ]),
  "integration:execution:failed": z.extend(Endpoint, { error: z.string() }),
  "integration:test:started": Endpoint,
  "integration:test:completed": z.extend(Endpoint, {
    result: z.object({ success: z.literal(true), status: z.number(), durationMs: z.number() }),
  }),
  "integration:test:failed": z.extend(Endpoint, { error: z.string() }),
  "integration:usage:updated": z.object({
    integrationId: z.string(),
    usage: z.object({
      calls: z.number(),
      errors: z.number(),
      lastUsed: z.optional(z.string()),
    }),
  }),
  "integration:status:response": z.object({
    integrationId: z.string(),
    status: z.object({
      isActive: z.boolean(),
      usage: z.object({ calls: z.number(), errors: z.number() }),
      rateLimit: z.optional(z.object({ perMinute: z.number() })),
      lastUsed: z.optional(z.string()),
    }),
    timestamp: Timestamp,
  }),
  "integration:webhook:subscribed": z.object({ integrationId: z.string(), projectId: z.string() }),
  "integration:webhook:unsubscribed": z.object({ integrationId: z.string() }),
  "integration:webhook:received": z.object({
    integrationId: z.string(),
    event: z.string(),
    data: z.unknown(),
    timestamp: Timestamp,
  }),

  "wallet:subscribed": z.union([
    z.object({ type: z.literal("address"), addressId: z.string(), room: z.string() }),
    z.object({ type: z.literal("project"), projectId: z.string(), room: z.string() }),
    z.object({ type: z.literal("chain"), chain: z.string(), room: z.string() }),
    z.object({ type: z.literal("currency"), currency: z.string(), room: z.string() }),
  ]),
  "wallet:unsubscribed": z.union([
    z.object({ type: z.literal("address"), addressId: z.string() }),
    z.object({ type: z.literal("project"), projectId: z.string() }),
  ]),

  "user:online": z.object({
    userId: z.string(),
    projectId: z.optional(z.string()),
    chatId: z.optional(z.string()),
    timestamp: Timestamp,
  }),
  "user:offline": z.object({
    userId: z.string(),
    projectId: z.optional(z.string()),
    chatId: z.optional(z.string()),
    timestamp: Timestamp,
  }),
  "session:updated": z.object({
    projectId: z.string(),
    sessionData: z.unknown(),
    timestamp: Timestamp,
  }),
  "project:created": ProjectChange,
  "project:updated": ProjectChange,
  "project:deleted": ProjectChange,
  "db:collection_created": CollectionChange,
  "db:collection_updated": CollectionChange,
  "db:collection_deleted": CollectionChange,
  "db:create": DocumentChange,
  "db:update": DocumentChange,
  "db:delete": DocumentChange,
  "data:change": DocumentChange,
  "document:change": DocumentChange,
  "project:data:change": DocumentChange,
  "wallet:balance:updated": z.extend(Wallet, {
    currency: z.optional(z.string()),
    previousBalance: z.string(),
    newBalance: z.string(),
    balance: z.string(),
  }),
  "wallet:tx:detected": Transaction,
  "wallet:tx:broadcast": Transaction,
  "wallet:tx:confirmed": Transaction,
  "wallet:tx:failed": Transaction,

  "session:expired": z.object({ reason: z.string(), timestamp: Timestamp }),

  "chat:joined": z.object({ chatId: z.string(), projectId: z.string(), chat: ChatSummary }),
  "chat:left": z.object({ chatId: z.string() }),
  "user:typing:start": z.object({ userId: z.string(), chatId: z.string() }),
  "user:typing:stop": z.object({ userId: z.string(), chatId: z.string() }),
  "message:sent": z.object({
    messageId: z.string(),
    chatId: z.string(),
    timestamp: Timestamp,
    clientMessageId: z.optional(z.string()),
  }),
  "message:new": z.object({
    message: ChatMessage,
    chat: ChatSummary,
  }),
  "message:reaction": z.object({
    chatId: z.string(),
    messageId: z.string(),
    emoji: z.string(),
    userId: z.string(),
    action: z.enum(["added", "removed"]),
    timestamp: Timestamp,
  }),
  "message:edited": z.object({
    chatId: z.string(),
    messageId: z.string(),
    content: z.string(),
    editedAt: Timestamp,
  }),
  "message:deleted": z.object({
    chatId: z.string(),
    messageId: z.string(),
    deletedBy: z.string(),
    timestamp: Timestamp,
  }),
  "messages:read": z.object({
    chatId: z.string(),
    messageIds: z.array(z.string()),
    readBy: z.string(),
    timestamp: Timestamp,
  }),
  "messages:history:list": z.object({
    chatId: z.string(),
    messages: z.array(
      z.extend(ChatMessage, {
        editedAt: z.optional(Timestamp),
        reactions: z.optional(record(z.array(z.string()))),
        readBy: z.number(),
      }),
    ),
    before: z.optional(z.string()),
  }),

  "call:incoming": z.object({
    chatId: z.string(),
    callerId: z.string(),
    type: z.enum(["audio", "video"]),
    timestamp: Timestamp,
  }),
  "call:accepted": z.object({ chatId: z.string(), acceptedBy: z.string(), timestamp: Timestamp }),
  "call:rejected": z.object({ chatId: z.string(), rejectedBy: z.string(), timestamp: Timestamp }),
  "call:ended": z.object({ chatId: z.string(), endedBy: z.string(), timestamp: Timestamp }),

  "presence:user:online": z.object({ userId: z.string(), user: Profile, timestamp: Timestamp }),
  "presence:user:offline": z.object({ userId: z.string(), timestamp: Timestamp }),
  "presence:online:list": z.object({
    projectId: z.string(),
    users: z.array(z.object({ userId: z.string(), user: Profile, lastSeen: Timestamp })),
    count: z.number(),
    /** Set where more are online than were counted. */
    countIsLowerBound: z.optional(z.literal(true)),
    cursor: z.optional(z.string()),
  }),

  "custom:event": looseObject({ sender: z.string(), timestamp: Timestamp }),
  "custom:joined": z.object({ room: z.string() }),
  "custom:left": z.object({ room: z.string() }),
  "custom:message": z.object({
    from: z.string(),
    message: z.unknown(),
    type: z.optional(z.string()),
    timestamp: Timestamp,
  }),
  "custom:presence": z.object({
    userId: z.string(),
    status: z.string(),
    metadata: z.optional(z.unknown()),
    timestamp: Timestamp,
  }),
  "custom:typing": z.object({
    userId: z.string(),
    isTyping: z.boolean(),
    context: z.optional(z.unknown()),
    timestamp: Timestamp,
  }),
  "custom:file:shared": z.object({
    projectId: z.string(),
    fileId: z.string(),
    fileName: z.string(),
    sharedBy: z.string(),
    timestamp: Timestamp,
  }),
};

type Fixed = {
  readonly [Name in keyof typeof emitSchemas]: Frozen<z.input<(typeof emitSchemas)[Name]>>;
};

/** Lists that nobody changes may be sent as well. */
type Frozen<Value> = Value extends readonly (infer Entry)[]
  ? readonly Frozen<Entry>[]
  : Value extends object
    ? { readonly [Key in keyof Value]: Frozen<Value[Key]> }
    : Value;

/** The events this server sends, with their payloads; `custom:*` are those that clients name themselves. */
export type Emits = Fixed & { readonly [name: `custom:${string}`]: object };

/** What an event lets out of a payload: its schema's fields, or all of it where a client named the event. */
export const shape = (event: string, payload: unknown): unknown =>
  isFixed(event) ? emitSchemas[event].parse(payload) : payload;

/** Whether an event has its own place in the contract, so that no client may send under its name. */
export const isFixed = (event: string): event is keyof Fixed => Object.hasOwn(emitSchemas, event);
