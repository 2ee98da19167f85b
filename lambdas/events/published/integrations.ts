import * as z from "zod/mini";
import { optional } from "#model/fields.ts";
import { Id } from "#model/id.ts";
import { Integration } from "#model/integration.ts";
import { EventError } from "../errors.ts";
import { definePublication } from "./define-publication.ts";

const Place = { org: Id, projectId: Id, integrationId: Id };

/** Registers an integration, or replaces it. */
export const integrationPut = definePublication({
  entry: z.object({ event: z.literal("integration:put"), org: Id, integration: Integration }),

  async handle({ entry: { org, integration }, integrations }) {
    const { integrationId } = integration;
    if ((await integrations.put(org, integration)) === "taken")
      throw new EventError(
        "conflict",
        `the webhooks of ${integration.projectId}/${integrationId} are another organisation's`,
      );
    return { integrationId };
  },
});

/** Gives an integration as it was registered, which holds no credential. */
export const integrationGet = definePublication({
  entry: z.object({ event: z.literal("integration:get"), ...Place }),
  isRead: true,

  async handle({ entry: { event: _, ...place }, integrations }) {
    const integration = await integrations.find(place);
    if (integration === undefined) throw unknown(place);
    return { integration, usage: await integrations.usage(place) };
  },
});

/** Lists the integrations of a project, a page of 1 MB at a time. */
export const integrationList = definePublication({
  entry: z.object({
    event: z.literal("integration:list"),
    org: Id,
    projectId: Id,
    cursor: optional(Id),
  }),
  isRead: true,

  handle: ({ entry: { org, projectId, cursor }, integrations }) =>
    integrations.list(org, projectId, cursor),
});

/** Removes an integration. */
export const integrationRemove = definePublication({
  entry: z.object({ event: z.literal("integration:remove"), ...Place }),

  async handle({ entry: { event: _, ...place }, integrations }) {
    if (!(await integrations.remove(place))) throw unknown(place);
  },
});

const unknown = ({ projectId, integrationId }: z.infer<z.ZodMiniObject<typeof Place>>) =>
  new EventError("not_found", `there is no integration ${projectId}/${integrationId}`);
