import * as z from "zod/mini";
import { Id } from "#model/id.ts";
import { integrationRoom } from "#model/room.ts";
import { integrationUser } from "../access.ts";
import { defineEvent, instead } from "../define-event.ts";
import { takeTurn } from "./upstream.ts";

/** Calls an endpoint of an integration without parameters, to see whether it answers. */
export const integrationTest = defineEvent({
  name: "integration:test",
  payload: z.object({ projectId: Id, integrationId: Id, endpoint: Id }),
  access: integrationUser,
  reply: "integration:test:completed",

  async handle({ payload, integration, projectId, timestamp, ...context }) {
    const { integrationId, endpoint } = payload;
    const { socket, integrations, flush, callUpstream } = context;
    const place = { org: socket.identity.org, projectId, integrationId };
    const others = socket.to(integrationRoom(projectId, integrationId));
    const facts = { integrationId, endpoint, timestamp };
    const call = await takeTurn(integration, place, { endpoint, params: {} }, integrations);

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
