import * as z from "zod/mini";
import { checked, optional, Text, withDefault } from "#server/model/fields.ts";
import { Id } from "#server/model/id.ts";

/** The claims of a token that are read (contract, section 1); others are ignored. */
const Claims = z.object({
  sub: Id,
  org: Id,
  scope: z.enum(["api", "websocket"]),
  /** In seconds, which a table can hold. */
  exp: checked(z.number(), z.maximum(Number.MAX_SAFE_INTEGER)),
  projects: withDefault(z.union([z.literal("*"), z.array(Id)]), []),
  sid: optional(Id),
  jti: optional(Id),
  email: optional(Text),
  firstName: optional(Text),
  lastName: optional(Text),
  role: optional(Text),
});

/** The profile of a user that others in the organisation may see. */
export interface UserProfile {
  readonly id: string;
  readonly email?: string | undefined;
  readonly firstName?: string | undefined;
  readonly lastName?: string | undefined;
}

/** Who is behind a socket; it does not change after CONNECT. */
export interface Identity {
  readonly userId: string;
  readonly org: string;
  readonly projects: "*" | readonly string[];
  readonly user: UserProfile;
  readonly role?: string | undefined;
  readonly sessionId?: string | undefined;
  readonly tokenId?: string | undefined;
  /** Epoch seconds at which the token expires. */
  readonly expiresAt: number;
}

/** Reads an identity from the verified claims of a token; throws a `ZodError` that names the claim. */
export function identityOf(claims: unknown): Identity {
  const { sub, org, projects, email, firstName, lastName, role, sid, jti, exp } =
    Claims.parse(claims);
  return {
    userId: sub,
    org,
    projects,
    user: { id: sub, email, firstName, lastName },
    role,
    sessionId: sid,
    tokenId: jti,
    expiresAt: exp,
  };
}

/** Whether the token grants a project. */
export const grants = ({ projects }: Pick<Identity, "projects">, projectId: string): boolean =>
  projects === "*" || projects.includes(projectId);

/** The project meant where a payload names none: the token's only one (contract, section 1). */
export const onlyProject = ({ projects }: Identity): string | undefined =>
  projects !== "*" && projects.length === 1 ? projects[0] : undefined;
