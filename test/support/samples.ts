const inP1 = { projectId: "p1" };
const todos = { ...inP1, collectionId: "todos" };

/** The chat and the integration in the samples. */
export const lobby = { ...inP1, chatId: "lobby" };
export const shop = { ...inP1, integrationId: "shop" };

/** The integration that the samples call, with its back end at this URL. */
export const shopAt = (baseUrl: string) => ({
  ...{ ...shop, name: "Shop", baseUrl },
  endpoints: { list: { method: "GET", path: "/" } },
});

export interface Sample {
  readonly event: string;
  readonly payload?: object;
}

/** A sample payload of every event that a client may send, in project p1. */
export const SAMPLES: readonly Sample[] = [
  { event: "subscribe:project", payload: inP1 },
  { event: "subscribe:collection", payload: todos },
  { event: "unsubscribe:collection", payload: todos },
  { event: "subscribe:document", payload: { ...todos, documentId: "d1" } },
  { event: "subscribe:query", payload: { ...todos, queryId: "q1", query: { done: false } } },
  { event: "custom:event", payload: { ...inP1, text: "hello" } },
  { event: "presence:online", payload: inP1 },
  { event: "presence:offline" },
  { event: "presence:update" },
  { event: "presence:get:online", payload: inP1 },
  { event: "custom:broadcast", payload: { ...inP1, event: "moved", payload: { x: 1 } } },
  { event: "custom:join", payload: { room: "garden" } },
  { event: "custom:leave", payload: { room: "garden" } },
  { event: "custom:message", payload: { targetUserId: "ben", message: "hello" } },
  { event: "custom:presence", payload: { ...inP1, status: "busy" } },
  { event: "custom:typing", payload: { ...inP1, isTyping: true } },
  { event: "custom:file:share", payload: { ...inP1, fileId: "f1", fileName: "plan.pdf" } },
  { event: "integration:join", payload: shop },
  { event: "integration:leave", payload: shop },
  { event: "integration:execute", payload: { ...shop, endpoint: "list" } },
  { event: "integration:test", payload: { ...shop, endpoint: "list" } },
  { event: "integration:status", payload: shop },
  { event: "integration:webhook:subscribe", payload: shop },
  { event: "integration:webhook:unsubscribe", payload: shop },
  { event: "wallet:subscribe:address", payload: { addressId: "a1" } },
  { event: "wallet:subscribe:project", payload: inP1 },
  { event: "wallet:subscribe:chain", payload: { chain: "eth" } },
  { event: "wallet:subscribe:currency", payload: { currency: "eth" } },
  { event: "wallet:unsubscribe:address", payload: { addressId: "a1" } },
  { event: "wallet:unsubscribe:project", payload: inP1 },
  { event: "auth:login", payload: inP1 },
  { event: "auth:logout", payload: inP1 },
  { event: "auth:session:update", payload: { ...inP1, sessionData: {} } },
  { event: "chat:join", payload: lobby },
  { event: "chat:leave", payload: lobby },
  { event: "chat:typing:start", payload: lobby },
  { event: "chat:typing:stop", payload: lobby },
  { event: "message:send", payload: { ...lobby, type: "text", content: "hello" } },
  { event: "message:react", payload: { ...lobby, messageId: "m1", emoji: "👍" } },
  { event: "message:edit", payload: { ...lobby, messageId: "m1", content: "hi" } },
  { event: "message:delete", payload: { ...lobby, messageId: "m1" } },
  { event: "messages:mark:read", payload: { ...lobby, messageIds: ["m1"] } },
  { event: "messages:history", payload: lobby },
  { event: "call:initiate", payload: { ...lobby, type: "audio", participants: ["ben"] } },
  { event: "call:accept", payload: { ...lobby, callerId: "ben" } },
  { event: "call:reject", payload: { ...lobby, callerId: "ben" } },
  { event: "call:end", payload: { ...lobby, participants: [] } },
];
