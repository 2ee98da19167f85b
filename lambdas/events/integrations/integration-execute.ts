import * as z from "zod/mini";
import { optional, withDefault } from "#model/fields.ts";
import { Id } from "#model/id.ts";
import { integrationRoom } from "#model/room.ts";
import { integrationUser } from "../access.ts";
import { defineEvent, instead } from "../define-event.ts";
import { Params, sendable, takeTurn } from "./upstream.ts";

/** Calls an endpoint of an integration; the caller gets its answer, those who follow it a summary. */
export const integrationExecute = defineEvent({
  name: "integration:execute",
  payload: z.object({
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
    const { socket, server, integrations, flush, callUpstream } = context;
    const place = { org: socket.identity.org, projectId, integrationId };
    const room = integrationRoom(projectId, integrationId);
    const facts = { integrationId, endpoint, timestamp };
    const call = await takeTurn(
      integration,
      place,
      { endpoint, params, requestData },
      integrations,
    );

    const others = socket.to(room);
    others.emit("integration:execution:started", facts);
    await flush(fail);
    const outcome = sendable(await callUpstream(integration, call));
    const usage = await integrations.countUse(place, { failed: !outcome.ok, at: timestamp });

    const reply = outcome.ok ? complete(outcome.data) : fail(outcome.error);
    server.to(room).emit("integration:usage:updated", { integrationId, usage });

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
