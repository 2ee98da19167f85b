import { grants, onlyProject } from "#model/identity.ts";
import type { AccessRequest } from "./define-event.ts";
import { EventError } from "./errors.ts";

/** Everyone with a session: what the event reaches lies in the caller's organisation by itself. */
export const organisationMember = (): object => ({});

/** Those whose token grants the project; where the payload names none, the token's only one is meant. */
export function projectMember({
  payload,
  identity,
}: AccessRequest<{ readonly projectId?: string | undefined }>): { readonly projectId: string } {
  const projectId = payload.projectId ?? onlyProject(identity);
  if (projectId === undefined)
    throw new EventError(
      "invalid_payload",
      "projectId: is required, because your token does not name exactly one project",
    );
  if (!grants(identity, projectId))
    throw new EventError("forbidden", `your token does not grant the project ${projectId}`);
  return { projectId };
}
