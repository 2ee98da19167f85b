import * as z from "zod/mini";
import { integrationRoom, webhookRoom } from "#mudbase/rooms.ts";
import type { Domain } from "#server/app.ts";
import { optional, texts, withDefault } from "#server/model/fields.ts";
import { Id } from "#server/model/id.ts";
import {
  integrationUser,
  integrationUserWithUsage,
  ownIntegrationRooms,
  ownWebhookRooms,
} from "./access.ts";
import { defineEvent, defineMembership, instead } from "./define.ts";
import { Params, sendable, takeTurn } from "./upstream.ts";

const Endpoint = texts("integrationId", "endpoint", "timestamp");

/** What leaves to clients. */
export const integrationEmits = {
  "integration:error": z.object({
    integrationId: z.optional(z.string()),
    code: z.string(),
    error: z.string(),
    retryAfterMs: z.optional(z.number()),
  }),
  "integration:joined": texts("integrationId", "projectId", "room"),
  "integration:left": texts("integrationId"),
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
    timestamp: z.string(),
  }),
  "integration:webhook:subscribed": texts("integrationId", "projectId"),
  "integration:webhook:unsubscribed": texts("integrationId"),
  "integration:webhook:received": z.object({
    integrationId: z.string(),
    event: z.string(),
    data: z.unknown(),
    timestamp: z.string(),
  }),
};

/** Follows what others do with an integration. */
const integrationJoin = /* @__PURE__ */ defineMembership({
  name: "integration:join",
  payload: () => z.object({ projectId: Id, integrationId: Id }),
  access: integrationUser,
  reply: "integration:joined",
  does: "join",
  rooms: ({ payload: { integrationId }, projectId }) => integrationRoom(projectId, integrationId),
  answer: ({ payload: { integrationId }, projectId }) => ({
    integrationId,
    projectId,
    room: `integration:${integrationId}`,
  }),
});

/** Follows an integration no longer. */
const integrationLeave = /* @__PURE__ */ defineMembership({
  name: "integration:leave",
  payload: () => z.object({ integrationId: Id, projectId: optional(Id) }),
  access: ownIntegrationRooms,
  reply: "integration:left",
  does: "leave",
  rooms: ({ rooms }) => rooms,
  answer: ({ payload: { integrationId } }) => ({ integrationId }),
});

/** Calls an endpoint of an integration; the caller gets its answer, those who follow it a summary. */
const integrationExecute = /* @__PURE__ */ defineEvent({
  name: "integration:execute",
  payload: () =>
    z.object({
      projectId: Id,
      integrationId: Id,
      endpoint: Id,
      params: withDefault(Params, {}),
      requestData: optional(z.unknown()),
    }),
  access: integrationUser,
  reply: "integration:execution:completed",

  async handle({ payload, integration, projectId, timestamp, ...context }) {
    const { integrationId, endpoint, params, requestData } = payload;
    const { socket, io, integrations, flush, callUpstream } = context;
    const key = { org: socket.tenant, projectId, integrationId };
    const room = integrationRoom(projectId, integrationId);
    const facts = { integrationId, endpoint, timestamp };
    const call = await takeTurn(integration, key, { endpoint, params, requestData }, integrations);

    const others = socket.to(room);
    others.emit("integration:execution:started", facts);
    await flush(fail);
    const outcome = sendable(await callUpstream(integration, call));
    const usage = await integrations.countUse(key, { failed: !outcome.ok, at: timestamp });

    const reply = outcome.ok ? complete(outcome.data) : fail(outcome.error);
    io.to(room).emit("integration:usage:updated", { integrationId, usage });

    return reply;

    function complete(data: unknown) {
      others.emit("integration:execution:completed", { ...facts, success: true });
      return { ...facts, result: { success: true as const, data } };
    }

    function fail(error: string) {
      const failure = { ...facts, error };
      others.emit("integration:execution:failed", failure);
      return instead("integration:execution:failed", failure);
    }
  },
});

/** Calls an endpoint of an integration without parameters, to see whether it answers. */
const integrationTest = /* @__PURE__ */ defineEvent({
  name: "integration:test",
  payload: () => z.object({ projectId: Id, integrationId: Id, endpoint: Id }),
  access: integrationUser,
  reply: "integration:test:completed",

  async handle({ payload, integration, projectId, timestamp, ...context }) {
    const { integrationId, endpoint } = payload;
    const { socket, integrations, flush, callUpstream } = context;
    const key = { org: socket.tenant, projectId, integrationId };
    const others = socket.to(integrationRoom(projectId, integrationId));
    const facts = { integrationId, endpoint, timestamp };
    const call = await takeTurn(integration, key, { endpoint, params: {} }, integrations);

    others.emit("integration:test:started", facts);
    await flush(fail);
    const outcome = await callUpstream(integration, call);

    if (!outcome.ok) return fail(outcome.error);
    const { status, durationMs } = outcome;
    const completed = { ...facts, result: { success: true as const, status, durationMs } };
    others.emit("integration:test:completed", completed);
    return completed;

    function fail(error: string) {
      const failure = { ...facts, error };
      others.emit("integration:test:failed", failure);
      return instead("integration:test:failed", failure);
    }
  },
});

/** Tells whether an integration is active, and how much it was used. */
const integrationStatus = /* @__PURE__ */ defineEvent({
  name: "integration:status",
  payload: () => z.object({ projectId: Id, integrationId: Id }),
  access: integrationUserWithUsage,
  reply: "integration:status:response",

  async handle({ payload: { integrationId }, integration, usage, timestamp }) {
    const { isActive, rateLimit } = integration;
    const { lastUsed } = usage;
    return { integrationId, status: { isActive, usage, rateLimit, lastUsed }, timestamp };
  },
});

/** Subscribes to the webhooks of an integration. */
const integrationWebhookSubscribe = /* @__PURE__ */ defineMembership({
  name: "integration:webhook:subscribe",
  payload: () => z.object({ projectId: Id, integrationId: Id }),
  access: integrationUser,
  reply: "integration:webhook:subscribed",
  does: "join",
  rooms: ({ payload: { integrationId }, projectId }) => webhookRoom(projectId, integrationId),
  answer: ({ payload: { integrationId }, projectId }) => ({ integrationId, projectId }),
});

/** Ends the subscription to the webhooks of an integration. */
const integrationWebhookUnsubscribe = /* @__PURE__ */ defineMembership({
  name: "integration:webhook:unsubscribe",
  payload: () => z.object({ integrationId: Id, projectId: optional(Id) }),
  access: ownWebhookRooms,
  reply: "integration:webhook:unsubscribed",
  does: "leave",
  rooms: ({ rooms }) => rooms,
  answer: ({ payload: { integrationId } }) => ({ integrationId }),
});

/** How a caller who asked for no acknowledgement is refused (contract 2.4). */
export const refuseIntegration: NonNullable<Domain["refusal"]> = (
  { code, message, retryAfterMs },
  [payload],
) => {
  const named = payload as { readonly integrationId?: unknown } | null | undefined;
  // What is no id may be as long as a packet: repeated, the refusal would be longer than one.
  const integrationId = Id.safeParse(named?.integrationId).data;
  return ["integration:error", { integrationId, code, error: message, retryAfterMs }];
};

/** What clients may send. */
export const integrationEvents = [
  integrationJoin,
  integrationLeave,
  integrationExecute,
  integrationTest,
  integrationStatus,
  integrationWebhookSubscribe,
  integrationWebhookUnsubscribe,
] as const;
