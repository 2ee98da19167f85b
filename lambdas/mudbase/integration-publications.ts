import * as z from "zod/mini";
import { Integration } from "#mudbase/model/integration.ts";
import { webhookRoom } from "#mudbase/rooms.ts";
import { EventError } from "#server/errors.ts";
import { optional } from "#server/model/fields.ts";
import { Id } from "#server/model/id.ts";
import { definePublication } from "./define.ts";

/** A webhook of an integration has come: its subscribers hear of it. */
const webhookReceived = /* @__PURE__ */ definePublication({
  names: ["integration:webhook:received"],
  entry: () =>
    z.object({
      org: Id,
      projectId: Id,
      integrationId: Id,
      /** What the sender calls it, and what it carries. */
      received: z.object({ event: z.string(), data: z.unknown() }),
    }),

  async handle({ event, entry: { projectId, integrationId, received }, io, timestamp }) {
    io.to(webhookRoom(projectId, integrationId)).emit(event, {
      integrationId,
      ...received,
      timestamp,
    });
  },
});

const Named = { org: Id, projectId: Id, integrationId: Id };

/** Registers an integration, or replaces it. */
const integrationPut = /* @__PURE__ */ definePublication({
  names: ["integration:put"],
  entry: () => z.object({ org: Id, integration: Integration }),

  async handle({ entry: { org, integration }, registry }) {
    const { integrationId } = integration;
    if ((await registry.put(org, integration)) === "taken")
      throw new EventError(
        "conflict",
        `the webhooks of ${integration.projectId}/${integrationId} are another organisation's`,
      );
    return { integrationId };
  },
});

/** Gives an integration as it was registered, which holds no credential. */
const integrationGet = /* @__PURE__ */ definePublication({
  names: ["integration:get"],
  entry: () => z.object({ ...Named }),
  isRead: true,

  async handle({ entry: key, registry }) {
    const integration = await registry.find(key);
    if (integration === undefined) throw unknown(key);
    return { integration, usage: await registry.usage(key) };
  },
});

/** Lists the integrations of a project, a page of 1 MB at a time. */
const integrationList = /* @__PURE__ */ definePublication({
  names: ["integration:list"],
  entry: () =>
    z.object({
      org: Id,
      projectId: Id,
      cursor: optional(Id),
    }),
  isRead: true,

  handle: ({ entry: { org, projectId, cursor }, registry }) =>
    registry.list(org, projectId, cursor),
});

/** Removes an integration. */
const integrationRemove = /* @__PURE__ */ definePublication({
  names: ["integration:remove"],
  entry: () => z.object({ ...Named }),

  async handle({ entry: key, registry }) {
    if (!(await registry.remove(key))) throw unknown(key);
  },
});

const unknown = ({ projectId, integrationId }: z.infer<z.ZodMiniObject<typeof Named>>) =>
  new EventError("not_found", `there is no integration ${projectId}/${integrationId}`);

/** What other back ends may publish. */
export const integrationPublications = [
  webhookReceived,
  integrationPut,
  integrationGet,
  integrationList,
  integrationRemove,
] as const;
