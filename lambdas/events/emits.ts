import * as z from "zod/mini";

const Timestamp = z.string();
const Profile = z.object({
  id: z.string(),
  email: z.optional(z.string()),
  firstName: z.optional(z.string()),
  lastName: z.optional(z.string()),
});

/** Every event this server sends, with what it may carry: anything else is left out. */
const emits = {
  error: z.object({ code: z.string(), message: z.string(), event: z.string() }),

  subscribed: z.object({
    type: z.enum(["collection", "document", "query"]),
    id: z.string(),
    projectId: z.string(),
    collectionId: z.optional(z.string()),
  }),
  unsubscribed: z.object({ type: z.literal("collection"), id: z.string() }),

  "presence:user:online": z.object({ userId: z.string(), user: Profile, timestamp: Timestamp }),
  "presence:user:offline": z.object({ userId: z.string(), timestamp: Timestamp }),
  "presence:online:list": z.object({
    projectId: z.string(),
    users: z.array(z.object({ userId: z.string(), user: Profile, lastSeen: Timestamp })),
    count: z.number(),
    cursor: z.optional(z.string()),
  }),

  "custom:event": z.looseObject({ sender: z.string(), timestamp: Timestamp }),
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

type Fixed = { readonly [Name in keyof typeof emits]: z.input<(typeof emits)[Name]> };

/** The events this server sends, with their payloads; `custom:*` are those that clients name themselves. */
export type Emits = Fixed & { readonly [name: `custom:${string}`]: object };

/** What an event lets out of a payload: its schema's fields, or all of it where a client named the event. */
export const shape = (event: string, payload: unknown): unknown =>
  isFixed(event) ? emits[event].parse(payload) : payload;

/** Whether an event has its own place in the contract, so that no client may send under its name. */
export const isFixed = (event: string): event is keyof Fixed => Object.hasOwn(emits, event);
