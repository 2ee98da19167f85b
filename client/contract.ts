// Written by npm run docs from the events themselves; a test fails when it is stale.

/** What clients may send: the payload of each event, and the name of the event that carries its reply. */
export interface ClientEvents {
  /** Subscribes to a project; an acknowledgement says which, there is no reply event. */
  readonly "subscribe:project": { readonly payload: string | { readonly projectId: string }; readonly reply: undefined };
  /** Subscribes to a collection: by its name, without a reply, or by project and name, with one. */
  readonly "subscribe:collection": { readonly payload: string | { readonly projectId: string; readonly collectionId: string }; readonly reply: "subscribed" };
  /** Subscribes to one document of a collection. */
  readonly "subscribe:document": { readonly payload: { readonly projectId: string; readonly collectionId: string; readonly documentId: string }; readonly reply: "subscribed" };
  /** Keeps a filter for this socket; without one, every document of the collection matches. */
  readonly "subscribe:query": { readonly payload: { readonly projectId: string; readonly collectionId: string; readonly queryId: string; readonly query?: { readonly [name: string]: unknown } | null | undefined }; readonly reply: "subscribed" };
  /** Ends the subscription to a collection. */
  readonly "unsubscribe:collection": { readonly payload: { readonly collectionId: string; readonly projectId?: string | null | undefined }; readonly reply: "unsubscribed" };
  /** Follows what others do with an integration. */
  readonly "integration:join": { readonly payload: { readonly projectId: string; readonly integrationId: string }; readonly reply: "integration:joined" };
  /** Follows an integration no longer. */
  readonly "integration:leave": { readonly payload: { readonly integrationId: string; readonly projectId?: string | null | undefined }; readonly reply: "integration:left" };
  /** Calls an endpoint of an integration; the caller gets its answer, those who follow it a summary. */
  readonly "integration:execute": { readonly payload: { readonly projectId: string; readonly integrationId: string; readonly endpoint: string; readonly params?: { readonly [name: string]: string | number | boolean } | null | undefined; readonly requestData?: unknown }; readonly reply: "integration:execution:completed" };
  /** Calls an endpoint of an integration without parameters, to see whether it answers. */
  readonly "integration:test": { readonly payload: { readonly projectId: string; readonly integrationId: string; readonly endpoint: string }; readonly reply: "integration:test:completed" };
  /** Tells whether an integration is active, and how much it was used. */
  readonly "integration:status": { readonly payload: { readonly projectId: string; readonly integrationId: string }; readonly reply: "integration:status:response" };
  /** Subscribes to the webhooks of an integration. */
  readonly "integration:webhook:subscribe": { readonly payload: { readonly projectId: string; readonly integrationId: string }; readonly reply: "integration:webhook:subscribed" };
  /** Ends the subscription to the webhooks of an integration. */
  readonly "integration:webhook:unsubscribe": { readonly payload: { readonly integrationId: string; readonly projectId?: string | null | undefined }; readonly reply: "integration:webhook:unsubscribed" };
  /** Subscribes to the wallet of an address. */
  readonly "wallet:subscribe:address": { readonly payload: { readonly addressId: string }; readonly reply: "wallet:subscribed" };
  /** Subscribes to all wallets of a project. */
  readonly "wallet:subscribe:project": { readonly payload: { readonly projectId: string }; readonly reply: "wallet:subscribed" };
  /** Subscribes to all wallets on a chain, whatever the case of its name. */
  readonly "wallet:subscribe:chain": { readonly payload: { readonly chain: string }; readonly reply: "wallet:subscribed" };
  /** Subscribes to all wallets in a currency, whatever the case of its name. */
  readonly "wallet:subscribe:currency": { readonly payload: { readonly currency: string }; readonly reply: "wallet:subscribed" };
  /** Ends the subscription to the wallet of an address. */
  readonly "wallet:unsubscribe:address": { readonly payload: { readonly addressId: string }; readonly reply: "wallet:unsubscribed" };
  /** Ends the subscription to all wallets of a project. */
  readonly "wallet:unsubscribe:project": { readonly payload: { readonly projectId: string }; readonly reply: "wallet:unsubscribed" };
  /** Brings the user online in one project, or in all that the token grants. */
  readonly "presence:online": { readonly payload?: { readonly projectId?: string | null | undefined } | null | undefined; readonly reply: undefined };
  /** Notes that the user is still there, wherever this socket is online. */
  readonly "presence:update": { readonly payload?: Record<string, never> | null | undefined; readonly reply: undefined };
  /** Lists who is online in a project, a page at a time. */
  readonly "presence:get:online": { readonly payload: { readonly projectId: string; readonly limit?: number | null | undefined; readonly cursor?: string | null | undefined }; readonly reply: "presence:online:list" };
  /** Takes this socket offline wherever it was online. */
  readonly "presence:offline": { readonly payload?: Record<string, never> | null | undefined; readonly reply: undefined };
  /** Joins a project and tells the others there. */
  readonly "auth:login": { readonly payload: { readonly projectId: string }; readonly reply: undefined };
  /** Leaves a project and tells the others there. */
  readonly "auth:logout": { readonly payload: { readonly projectId: string }; readonly reply: undefined };
  /** Tells the user's other sockets, of those whose token grants the project, how the session has changed. */
  readonly "auth:session:update": { readonly payload: { readonly projectId: string; readonly sessionData: unknown }; readonly reply: undefined };
  /** Joins a chat and tells the others there; a chat nobody has described is made at its first use. */
  readonly "chat:join": { readonly payload: { readonly chatId: string; readonly projectId: string }; readonly reply: "chat:joined" };
  /** Leaves a chat and tells the others there. */
  readonly "chat:leave": { readonly payload: { readonly chatId: string; readonly projectId?: string | null | undefined }; readonly reply: "chat:left" };
  /** Tells the others in a chat that the user types. */
  readonly "chat:typing:start": { readonly payload: { readonly chatId: string; readonly projectId?: string | null | undefined }; readonly reply: undefined };
  /** Tells the others in a chat that the user has stopped typing. */
  readonly "chat:typing:stop": { readonly payload: { readonly chatId: string; readonly projectId?: string | null | undefined }; readonly reply: undefined };
  /** Posts a message to a chat; the room, sender included, hears of it, and so do those it mentions. */
  readonly "message:send": { readonly payload: { readonly chatId: string; readonly projectId: string; readonly type: "text" | "image" | "file" | "audio"; readonly content: string; readonly replyTo?: string | null | undefined; readonly mentions?: readonly string[] | null | undefined; readonly clientMessageId?: string | null | undefined }; readonly reply: "message:sent" };
  /** Adds a reaction to a message, or removes it where this user has made it already; the room hears of it. */
  readonly "message:react": { readonly payload: { readonly chatId: string; readonly projectId: string; readonly messageId: string; readonly emoji: string }; readonly reply: undefined };
  /** Changes the content of a message, which only its author may; the room hears of it. */
  readonly "message:edit": { readonly payload: { readonly chatId: string; readonly projectId: string; readonly messageId: string; readonly content: string }; readonly reply: undefined };
  /** Deletes a message, which its author and the chat's moderators may; the room hears of it. */
  readonly "message:delete": { readonly payload: { readonly chatId: string; readonly projectId: string; readonly messageId: string }; readonly reply: undefined };
  /** Marks messages as read by this user; the room hears of those that were not before. */
  readonly "messages:mark:read": { readonly payload: { readonly chatId: string; readonly projectId: string; readonly messageIds: readonly string[] }; readonly reply: undefined };
  /** Gives the messages of a chat, newest first, a page at a time; a page may be empty and yet not the last, where many were removed. */
  readonly "messages:history": { readonly payload: { readonly chatId: string; readonly projectId: string; readonly before?: string | null | undefined; readonly limit?: number | null | undefined }; readonly reply: "messages:history:list" };
  /** Calls some users of a chat; a call that the caller had there before ends for those it no longer asks for. */
  readonly "call:initiate": { readonly payload: { readonly chatId: string; readonly projectId?: string | null | undefined; readonly type: "audio" | "video"; readonly participants: readonly string[] }; readonly reply: undefined };
  /** Accepts a call this user was invited to; the caller hears of it. */
  readonly "call:accept": { readonly payload: { readonly chatId: string; readonly projectId?: string | null | undefined; readonly callerId: string }; readonly reply: undefined };
  /** Rejects a call this user was invited to; the caller hears of it. */
  readonly "call:reject": { readonly payload: { readonly chatId: string; readonly projectId?: string | null | undefined; readonly callerId: string }; readonly reply: undefined };
  /** Ends the call that this user makes in a chat and those it was invited to, the newest ten; all their people hear of it. */
  readonly "call:end": { readonly payload: { readonly chatId: string; readonly projectId?: string | null | undefined; readonly participants: readonly string[] }; readonly reply: undefined };
  /** Joins a custom room of the organisation. */
  readonly "custom:join": { readonly payload: { readonly room: string }; readonly reply: "custom:joined" };
  /** Leaves a custom room. */
  readonly "custom:leave": { readonly payload: { readonly room: string }; readonly reply: "custom:left" };
  /** Sends the others in a project whatever the payload holds. */
  readonly "custom:event": { readonly payload: { readonly projectId: string; readonly [name: string]: unknown }; readonly reply: undefined };
  /** Sends an event of the client's own to the others in a project, or in a custom room. */
  readonly "custom:broadcast": { readonly payload: { readonly projectId: string; readonly event: string; readonly payload?: unknown; readonly room?: string | null | undefined }; readonly reply: undefined };
  /** Sends a message to every socket of one user of the organisation. */
  readonly "custom:message": { readonly payload: { readonly targetUserId: string; readonly message: unknown; readonly type?: string | null | undefined }; readonly reply: undefined };
  /** Tells the others in a project a status of the client's own. */
  readonly "custom:presence": { readonly payload: { readonly projectId: string; readonly status: string; readonly metadata?: unknown }; readonly reply: undefined };
  /** Tells the others in a project that the user types, or has stopped. */
  readonly "custom:typing": { readonly payload: { readonly projectId: string; readonly isTyping: boolean; readonly context?: unknown }; readonly reply: undefined };
  /** Tells some users, on their sockets whose token grants the project, or else the others in it, of a file. */
  readonly "custom:file:share": { readonly payload: { readonly projectId: string; readonly fileId: string; readonly fileName: string; readonly recipients?: readonly string[] | null | undefined }; readonly reply: undefined };
}

/** What this server sends, by event; `custom:*` are events that clients name themselves. */
export interface ServerEvents {
  readonly "error": { readonly message: string; readonly limit: number };
  readonly "exception": { readonly code: string; readonly message: string; readonly event: string; readonly retryAfterMs?: number | undefined };
  readonly "subscribed": { readonly type: "collection" | "document" | "query"; readonly id: string; readonly projectId: string; readonly collectionId?: string | undefined };
  readonly "unsubscribed": { readonly type: "collection"; readonly id: string };
  readonly "integration:error": { readonly integrationId?: string | undefined; readonly code: string; readonly error: string; readonly retryAfterMs?: number | undefined };
  readonly "integration:joined": { readonly integrationId: string; readonly projectId: string; readonly room: string };
  readonly "integration:left": { readonly integrationId: string };
  readonly "integration:execution:started": { readonly integrationId: string; readonly endpoint: string; readonly timestamp: string };
  readonly "integration:execution:completed": { readonly integrationId: string; readonly endpoint: string; readonly timestamp: string; readonly result: { readonly success: true; readonly data: unknown } } | { readonly integrationId: string; readonly endpoint: string; readonly timestamp: string; readonly success: true };
  readonly "integration:execution:failed": { readonly integrationId: string; readonly endpoint: string; readonly timestamp: string; readonly error: string };
  readonly "integration:test:started": { readonly integrationId: string; readonly endpoint: string; readonly timestamp: string };
  readonly "integration:test:completed": { readonly integrationId: string; readonly endpoint: string; readonly timestamp: string; readonly result: { readonly success: true; readonly status: number; readonly durationMs: number } };
  readonly "integration:test:failed": { readonly integrationId: string; readonly endpoint: string; readonly timestamp: string; readonly error: string };
  readonly "integration:usage:updated": { readonly integrationId: string; readonly usage: { readonly calls: number; readonly errors: number; readonly lastUsed?: string | undefined } };
  readonly "integration:status:response": { readonly integrationId: string; readonly status: { readonly isActive: boolean; readonly usage: { readonly calls: number; readonly errors: number }; readonly rateLimit?: { readonly perMinute: number } | undefined; readonly lastUsed?: string | undefined }; readonly timestamp: string };
  readonly "integration:webhook:subscribed": { readonly integrationId: string; readonly projectId: string };
  readonly "integration:webhook:unsubscribed": { readonly integrationId: string };
  readonly "integration:webhook:received": { readonly integrationId: string; readonly event: string; readonly data: unknown; readonly timestamp: string };
  readonly "wallet:subscribed": { readonly type: "address"; readonly addressId: string; readonly room: string } | { readonly type: "project"; readonly projectId: string; readonly room: string } | { readonly type: "chain"; readonly chain: string; readonly room: string } | { readonly type: "currency"; readonly currency: string; readonly room: string };
  readonly "wallet:unsubscribed": { readonly type: "address"; readonly addressId: string } | { readonly type: "project"; readonly projectId: string };
  readonly "wallet:balance:updated": { readonly addressId: string; readonly address: string; readonly chain: string; readonly project: string; readonly org: string; readonly timestamp: string; readonly currency?: string | undefined; readonly previousBalance: string; readonly newBalance: string; readonly balance: string };
  readonly "wallet:tx:detected": { readonly addressId: string; readonly address: string; readonly chain: string; readonly project: string; readonly org: string; readonly timestamp: string; readonly txHash: string; readonly amount: string; readonly currency: string; readonly direction: "incoming" | "outgoing" };
  readonly "wallet:tx:broadcast": { readonly addressId: string; readonly address: string; readonly chain: string; readonly project: string; readonly org: string; readonly timestamp: string; readonly txHash: string; readonly amount: string; readonly currency: string; readonly direction: "incoming" | "outgoing" };
  readonly "wallet:tx:confirmed": { readonly addressId: string; readonly address: string; readonly chain: string; readonly project: string; readonly org: string; readonly timestamp: string; readonly txHash: string; readonly amount: string; readonly currency: string; readonly direction: "incoming" | "outgoing" };
  readonly "wallet:tx:failed": { readonly addressId: string; readonly address: string; readonly chain: string; readonly project: string; readonly org: string; readonly timestamp: string; readonly txHash: string; readonly amount: string; readonly currency: string; readonly direction: "incoming" | "outgoing" };
  readonly "user:online": { readonly userId: string; readonly projectId?: string | undefined; readonly chatId?: string | undefined; readonly timestamp: string };
  readonly "user:offline": { readonly userId: string; readonly projectId?: string | undefined; readonly chatId?: string | undefined; readonly timestamp: string };
  readonly "session:updated": { readonly projectId: string; readonly sessionData: unknown; readonly timestamp: string };
  readonly "project:created": { readonly projectId: string; readonly action: string; readonly data: unknown; readonly timestamp: string };
  readonly "project:updated": { readonly projectId: string; readonly action: string; readonly data: unknown; readonly timestamp: string };
  readonly "project:deleted": { readonly projectId: string; readonly action: string; readonly data: unknown; readonly timestamp: string };
  readonly "project:data:change": { readonly projectId: string; readonly collectionId: string; readonly action: "create" | "update" | "delete"; readonly data: unknown; readonly queryId?: string | undefined; readonly timestamp: string };
  readonly "db:collection_created": { readonly projectId: string; readonly collectionId: string; readonly action: string; readonly data: unknown; readonly timestamp: string };
  readonly "db:collection_updated": { readonly projectId: string; readonly collectionId: string; readonly action: string; readonly data: unknown; readonly timestamp: string };
  readonly "db:collection_deleted": { readonly projectId: string; readonly collectionId: string; readonly action: string; readonly data: unknown; readonly timestamp: string };
  readonly "db:create": { readonly projectId: string; readonly collectionId: string; readonly action: "create" | "update" | "delete"; readonly data: unknown; readonly queryId?: string | undefined; readonly timestamp: string };
  readonly "db:update": { readonly projectId: string; readonly collectionId: string; readonly action: "create" | "update" | "delete"; readonly data: unknown; readonly queryId?: string | undefined; readonly timestamp: string };
  readonly "db:delete": { readonly projectId: string; readonly collectionId: string; readonly action: "create" | "update" | "delete"; readonly data: unknown; readonly queryId?: string | undefined; readonly timestamp: string };
  readonly "data:change": { readonly projectId: string; readonly collectionId: string; readonly action: "create" | "update" | "delete"; readonly data: unknown; readonly queryId?: string | undefined; readonly timestamp: string };
  readonly "document:change": { readonly projectId: string; readonly collectionId: string; readonly action: "create" | "update" | "delete"; readonly data: unknown; readonly queryId?: string | undefined; readonly timestamp: string };
  readonly "session:expired": { readonly reason: string; readonly timestamp: string };
  readonly "chat:joined": { readonly chatId: string; readonly projectId: string; readonly chat: { readonly _id: string; readonly name: string; readonly type: "direct" | "group" } };
  readonly "chat:left": { readonly chatId: string };
  readonly "user:typing:start": { readonly userId: string; readonly chatId: string };
  readonly "user:typing:stop": { readonly userId: string; readonly chatId: string };
  readonly "message:sent": { readonly messageId: string; readonly chatId: string; readonly timestamp: string; readonly clientMessageId?: string | undefined };
  readonly "message:new": { readonly message: { readonly _id: string; readonly content: string; readonly sender: string; readonly chat: string; readonly type: string; readonly replyTo?: string | undefined; readonly mentions: readonly string[]; readonly createdAt: string }; readonly chat: { readonly _id: string; readonly name: string; readonly type: "direct" | "group" } };
  readonly "message:reaction": { readonly chatId: string; readonly messageId: string; readonly emoji: string; readonly userId: string; readonly action: "added" | "removed"; readonly timestamp: string };
  readonly "message:edited": { readonly chatId: string; readonly messageId: string; readonly content: string; readonly editedAt: string };
  readonly "message:deleted": { readonly chatId: string; readonly messageId: string; readonly deletedBy: string; readonly timestamp: string };
  readonly "messages:read": { readonly chatId: string; readonly messageIds: readonly string[]; readonly readBy: string; readonly timestamp: string };
  readonly "messages:history:list": { readonly chatId: string; readonly messages: readonly ({ readonly _id: string; readonly content: string; readonly sender: string; readonly chat: string; readonly type: string; readonly replyTo?: string | undefined; readonly mentions: readonly string[]; readonly createdAt: string; readonly editedAt?: string | undefined; readonly reactions?: { readonly [name: string]: readonly string[] } | undefined; readonly readBy: number })[]; readonly before?: string | undefined };
  readonly "call:incoming": { readonly chatId: string; readonly callerId: string; readonly type: "audio" | "video"; readonly timestamp: string };
  readonly "call:accepted": { readonly chatId: string; readonly acceptedBy: string; readonly timestamp: string };
  readonly "call:rejected": { readonly chatId: string; readonly rejectedBy: string; readonly timestamp: string };
  readonly "call:ended": { readonly chatId: string; readonly endedBy: string; readonly timestamp: string };
  readonly "presence:user:online": { readonly userId: string; readonly user: { readonly id: string; readonly email?: string | undefined; readonly firstName?: string | undefined; readonly lastName?: string | undefined }; readonly timestamp: string };
  readonly "presence:user:offline": { readonly userId: string; readonly timestamp: string };
  readonly "presence:online:list": { readonly projectId: string; readonly users: readonly ({ readonly userId: string; readonly user: { readonly id: string; readonly email?: string | undefined; readonly firstName?: string | undefined; readonly lastName?: string | undefined }; readonly lastSeen: string })[]; readonly count: number; readonly countIsLowerBound?: true | undefined; readonly cursor?: string | undefined };
  readonly "custom:event": { readonly sender: string; readonly timestamp: string; readonly [name: string]: unknown };
  readonly "custom:joined": { readonly room: string };
  readonly "custom:left": { readonly room: string };
  readonly "custom:message": { readonly from: string; readonly message: unknown; readonly type?: string | undefined; readonly timestamp: string };
  readonly "custom:presence": { readonly userId: string; readonly status: string; readonly metadata?: unknown; readonly timestamp: string };
  readonly "custom:typing": { readonly userId: string; readonly isTyping: boolean; readonly context?: unknown; readonly timestamp: string };
  readonly "custom:file:shared": { readonly projectId: string; readonly fileId: string; readonly fileName: string; readonly sharedBy: string; readonly timestamp: string };
  readonly [name: `custom:${string}`]: any;
}

/** What other back ends may publish, by the `event` of the entry. */
export interface Publications {
  readonly "project:created": { readonly org: string; readonly projectId: string; readonly data: unknown };
  readonly "project:updated": { readonly org: string; readonly projectId: string; readonly data: unknown };
  readonly "project:deleted": { readonly org: string; readonly projectId: string; readonly data: unknown };
  readonly "project:data:change": { readonly org: string; readonly projectId: string; readonly collectionId: string; readonly data: { readonly _id: string | number; readonly [name: string]: unknown }; readonly action: "create" | "update" | "delete" };
  readonly "db:collection_created": { readonly org: string; readonly projectId: string; readonly collectionId: string; readonly data: unknown };
  readonly "db:collection_updated": { readonly org: string; readonly projectId: string; readonly collectionId: string; readonly data: unknown };
  readonly "db:collection_deleted": { readonly org: string; readonly projectId: string; readonly collectionId: string; readonly data: unknown };
  readonly "db:create": { readonly org: string; readonly projectId: string; readonly collectionId: string; readonly data: { readonly _id: string | number; readonly [name: string]: unknown }; readonly previous?: { readonly _id: string | number; readonly [name: string]: unknown } | null | undefined; readonly oversized?: "id" | null | undefined };
  readonly "db:update": { readonly org: string; readonly projectId: string; readonly collectionId: string; readonly data: { readonly _id: string | number; readonly [name: string]: unknown }; readonly previous?: { readonly _id: string | number; readonly [name: string]: unknown } | null | undefined; readonly oversized?: "id" | null | undefined };
  readonly "db:delete": { readonly org: string; readonly projectId: string; readonly collectionId: string; readonly data: { readonly _id: string | number; readonly [name: string]: unknown }; readonly previous?: { readonly _id: string | number; readonly [name: string]: unknown } | null | undefined; readonly oversized?: "id" | null | undefined };
  readonly "data:change": { readonly org: string; readonly projectId: string; readonly collectionId: string; readonly data: { readonly _id: string | number; readonly [name: string]: unknown }; readonly action: "create" | "update" | "delete" };
  readonly "document:change": { readonly org: string; readonly projectId: string; readonly collectionId: string; readonly data: { readonly _id: string | number; readonly [name: string]: unknown }; readonly action: "create" | "update" | "delete" };
  readonly "wallet:balance:updated": { readonly org: string; readonly project: string; readonly addressId: string; readonly address: string; readonly chain: string; readonly currency?: string | null | undefined; readonly previousBalance: string; readonly newBalance: string; readonly balance?: string | null | undefined };
  readonly "wallet:tx:detected": { readonly org: string; readonly project: string; readonly addressId: string; readonly address: string; readonly chain: string; readonly txHash: string; readonly amount: string; readonly currency: string; readonly direction: "incoming" | "outgoing" };
  readonly "wallet:tx:broadcast": { readonly org: string; readonly project: string; readonly addressId: string; readonly address: string; readonly chain: string; readonly txHash: string; readonly amount: string; readonly currency: string; readonly direction: "incoming" | "outgoing" };
  readonly "wallet:tx:confirmed": { readonly org: string; readonly project: string; readonly addressId: string; readonly address: string; readonly chain: string; readonly txHash: string; readonly amount: string; readonly currency: string; readonly direction: "incoming" | "outgoing" };
  readonly "wallet:tx:failed": { readonly org: string; readonly project: string; readonly addressId: string; readonly address: string; readonly chain: string; readonly txHash: string; readonly amount: string; readonly currency: string; readonly direction: "incoming" | "outgoing" };
  readonly "integration:webhook:received": { readonly org: string; readonly projectId: string; readonly integrationId: string; readonly received: { readonly event: string; readonly data: unknown } };
  readonly "integration:put": { readonly org: string; readonly integration: { readonly projectId: string; readonly integrationId: string; readonly name: string; readonly isActive?: boolean | null | undefined; readonly baseUrl: string; readonly endpoints: { readonly [name: string]: { readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE" | "HEAD"; readonly path: string; readonly headers?: { readonly [name: string]: string } | null | undefined; readonly timeoutMs?: number | null | undefined } }; readonly auth?: { readonly type: "none" } | { readonly type: "bearer"; readonly secretArn: string } | { readonly type: "basic"; readonly secretArn: string } | { readonly type: "header"; readonly header: string; readonly secretArn: string } | null | undefined; readonly rateLimit?: { readonly perMinute: number } | null | undefined; readonly webhook?: { readonly scheme: "standard"; readonly secretArn: string } | { readonly scheme: "hmac-sha256"; readonly secretArn: string; readonly signatureHeader: string; readonly timestampHeader?: string | null | undefined; readonly idHeader?: string | null | undefined } | null | undefined } };
  readonly "integration:get": { readonly org: string; readonly projectId: string; readonly integrationId: string };
  readonly "integration:list": { readonly org: string; readonly projectId: string; readonly cursor?: string | null | undefined };
  readonly "integration:remove": { readonly org: string; readonly projectId: string; readonly integrationId: string };
  readonly "emit": { readonly org: string; readonly to: readonly ({ readonly kind: "org" } | { readonly kind: "user"; readonly userId: string } | { readonly kind: "project"; readonly projectId: string } | { readonly kind: "collection"; readonly projectId: string; readonly collectionId: string } | { readonly kind: "document"; readonly projectId: string; readonly collectionId: string; readonly documentId: string } | { readonly kind: "chat"; readonly projectId: string; readonly chatId: string } | { readonly kind: "integration"; readonly projectId: string; readonly integrationId: string } | { readonly kind: "webhook"; readonly projectId: string; readonly integrationId: string } | { readonly kind: "wallet"; readonly of: "address" | "project" | "chain" | "currency"; readonly id: string } | { readonly kind: "custom"; readonly room: string })[]; readonly except?: readonly ({ readonly kind: "org" } | { readonly kind: "user"; readonly userId: string } | { readonly kind: "project"; readonly projectId: string } | { readonly kind: "collection"; readonly projectId: string; readonly collectionId: string } | { readonly kind: "document"; readonly projectId: string; readonly collectionId: string; readonly documentId: string } | { readonly kind: "chat"; readonly projectId: string; readonly chatId: string } | { readonly kind: "integration"; readonly projectId: string; readonly integrationId: string } | { readonly kind: "webhook"; readonly projectId: string; readonly integrationId: string } | { readonly kind: "wallet"; readonly of: "address" | "project" | "chain" | "currency"; readonly id: string } | { readonly kind: "custom"; readonly room: string })[] | null | undefined; readonly name: string; readonly payload?: unknown; readonly volatile?: boolean | null | undefined };
  readonly "sockets:emitWithAck": { readonly org: string; readonly to: readonly ({ readonly kind: "org" } | { readonly kind: "user"; readonly userId: string } | { readonly kind: "project"; readonly projectId: string } | { readonly kind: "collection"; readonly projectId: string; readonly collectionId: string } | { readonly kind: "document"; readonly projectId: string; readonly collectionId: string; readonly documentId: string } | { readonly kind: "chat"; readonly projectId: string; readonly chatId: string } | { readonly kind: "integration"; readonly projectId: string; readonly integrationId: string } | { readonly kind: "webhook"; readonly projectId: string; readonly integrationId: string } | { readonly kind: "wallet"; readonly of: "address" | "project" | "chain" | "currency"; readonly id: string } | { readonly kind: "custom"; readonly room: string })[]; readonly except?: readonly ({ readonly kind: "org" } | { readonly kind: "user"; readonly userId: string } | { readonly kind: "project"; readonly projectId: string } | { readonly kind: "collection"; readonly projectId: string; readonly collectionId: string } | { readonly kind: "document"; readonly projectId: string; readonly collectionId: string; readonly documentId: string } | { readonly kind: "chat"; readonly projectId: string; readonly chatId: string } | { readonly kind: "integration"; readonly projectId: string; readonly integrationId: string } | { readonly kind: "webhook"; readonly projectId: string; readonly integrationId: string } | { readonly kind: "wallet"; readonly of: "address" | "project" | "chain" | "currency"; readonly id: string } | { readonly kind: "custom"; readonly room: string })[] | null | undefined; readonly name: string; readonly payload?: unknown; readonly timeout: number };
  readonly "sockets:fetch": { readonly org: string; readonly to: readonly ({ readonly kind: "org" } | { readonly kind: "user"; readonly userId: string } | { readonly kind: "project"; readonly projectId: string } | { readonly kind: "collection"; readonly projectId: string; readonly collectionId: string } | { readonly kind: "document"; readonly projectId: string; readonly collectionId: string; readonly documentId: string } | { readonly kind: "chat"; readonly projectId: string; readonly chatId: string } | { readonly kind: "integration"; readonly projectId: string; readonly integrationId: string } | { readonly kind: "webhook"; readonly projectId: string; readonly integrationId: string } | { readonly kind: "wallet"; readonly of: "address" | "project" | "chain" | "currency"; readonly id: string } | { readonly kind: "custom"; readonly room: string })[]; readonly except?: readonly ({ readonly kind: "org" } | { readonly kind: "user"; readonly userId: string } | { readonly kind: "project"; readonly projectId: string } | { readonly kind: "collection"; readonly projectId: string; readonly collectionId: string } | { readonly kind: "document"; readonly projectId: string; readonly collectionId: string; readonly documentId: string } | { readonly kind: "chat"; readonly projectId: string; readonly chatId: string } | { readonly kind: "integration"; readonly projectId: string; readonly integrationId: string } | { readonly kind: "webhook"; readonly projectId: string; readonly integrationId: string } | { readonly kind: "wallet"; readonly of: "address" | "project" | "chain" | "currency"; readonly id: string } | { readonly kind: "custom"; readonly room: string })[] | null | undefined; readonly after?: string | null | undefined; readonly limit?: number | null | undefined };
  readonly "sockets:join": { readonly org: string; readonly to: readonly ({ readonly kind: "org" } | { readonly kind: "user"; readonly userId: string } | { readonly kind: "project"; readonly projectId: string } | { readonly kind: "collection"; readonly projectId: string; readonly collectionId: string } | { readonly kind: "document"; readonly projectId: string; readonly collectionId: string; readonly documentId: string } | { readonly kind: "chat"; readonly projectId: string; readonly chatId: string } | { readonly kind: "integration"; readonly projectId: string; readonly integrationId: string } | { readonly kind: "webhook"; readonly projectId: string; readonly integrationId: string } | { readonly kind: "wallet"; readonly of: "address" | "project" | "chain" | "currency"; readonly id: string } | { readonly kind: "custom"; readonly room: string })[]; readonly except?: readonly ({ readonly kind: "org" } | { readonly kind: "user"; readonly userId: string } | { readonly kind: "project"; readonly projectId: string } | { readonly kind: "collection"; readonly projectId: string; readonly collectionId: string } | { readonly kind: "document"; readonly projectId: string; readonly collectionId: string; readonly documentId: string } | { readonly kind: "chat"; readonly projectId: string; readonly chatId: string } | { readonly kind: "integration"; readonly projectId: string; readonly integrationId: string } | { readonly kind: "webhook"; readonly projectId: string; readonly integrationId: string } | { readonly kind: "wallet"; readonly of: "address" | "project" | "chain" | "currency"; readonly id: string } | { readonly kind: "custom"; readonly room: string })[] | null | undefined; readonly room: string };
  readonly "sockets:leave": { readonly org: string; readonly to: readonly ({ readonly kind: "org" } | { readonly kind: "user"; readonly userId: string } | { readonly kind: "project"; readonly projectId: string } | { readonly kind: "collection"; readonly projectId: string; readonly collectionId: string } | { readonly kind: "document"; readonly projectId: string; readonly collectionId: string; readonly documentId: string } | { readonly kind: "chat"; readonly projectId: string; readonly chatId: string } | { readonly kind: "integration"; readonly projectId: string; readonly integrationId: string } | { readonly kind: "webhook"; readonly projectId: string; readonly integrationId: string } | { readonly kind: "wallet"; readonly of: "address" | "project" | "chain" | "currency"; readonly id: string } | { readonly kind: "custom"; readonly room: string })[]; readonly except?: readonly ({ readonly kind: "org" } | { readonly kind: "user"; readonly userId: string } | { readonly kind: "project"; readonly projectId: string } | { readonly kind: "collection"; readonly projectId: string; readonly collectionId: string } | { readonly kind: "document"; readonly projectId: string; readonly collectionId: string; readonly documentId: string } | { readonly kind: "chat"; readonly projectId: string; readonly chatId: string } | { readonly kind: "integration"; readonly projectId: string; readonly integrationId: string } | { readonly kind: "webhook"; readonly projectId: string; readonly integrationId: string } | { readonly kind: "wallet"; readonly of: "address" | "project" | "chain" | "currency"; readonly id: string } | { readonly kind: "custom"; readonly room: string })[] | null | undefined; readonly room: string };
  readonly "sockets:disconnect": { readonly org: string; readonly to: readonly ({ readonly kind: "org" } | { readonly kind: "user"; readonly userId: string } | { readonly kind: "project"; readonly projectId: string } | { readonly kind: "collection"; readonly projectId: string; readonly collectionId: string } | { readonly kind: "document"; readonly projectId: string; readonly collectionId: string; readonly documentId: string } | { readonly kind: "chat"; readonly projectId: string; readonly chatId: string } | { readonly kind: "integration"; readonly projectId: string; readonly integrationId: string } | { readonly kind: "webhook"; readonly projectId: string; readonly integrationId: string } | { readonly kind: "wallet"; readonly of: "address" | "project" | "chain" | "currency"; readonly id: string } | { readonly kind: "custom"; readonly room: string })[]; readonly except?: readonly ({ readonly kind: "org" } | { readonly kind: "user"; readonly userId: string } | { readonly kind: "project"; readonly projectId: string } | { readonly kind: "collection"; readonly projectId: string; readonly collectionId: string } | { readonly kind: "document"; readonly projectId: string; readonly collectionId: string; readonly documentId: string } | { readonly kind: "chat"; readonly projectId: string; readonly chatId: string } | { readonly kind: "integration"; readonly projectId: string; readonly integrationId: string } | { readonly kind: "webhook"; readonly projectId: string; readonly integrationId: string } | { readonly kind: "wallet"; readonly of: "address" | "project" | "chain" | "currency"; readonly id: string } | { readonly kind: "custom"; readonly room: string })[] | null | undefined; readonly close?: boolean | null | undefined };
  readonly "revoke": { readonly org: string; readonly target: { readonly userId?: string | null | undefined; readonly sid?: string | null | undefined; readonly jti?: string | null | undefined }; readonly reason?: string | null | undefined };
  readonly "restore": { readonly org: string; readonly target: { readonly userId?: string | null | undefined; readonly sid?: string | null | undefined; readonly jti?: string | null | undefined } };
  readonly "chat:put": { readonly org: string; readonly chat: { readonly projectId: string; readonly chatId: string; readonly name?: string | null | undefined; readonly type?: "direct" | "group" | null | undefined; readonly access?: "project" | "members" | null | undefined; readonly members?: readonly string[] | null | undefined; readonly moderators?: readonly string[] | null | undefined } };
  readonly "chat:get": { readonly org: string; readonly projectId: string; readonly chatId: string };
  readonly "limit:put": { readonly org: string; readonly connections: number };
}

