import * as z from "zod/mini";
import { sessionRoom, tokenRoom, userRoom } from "#mudbase/rooms.ts";
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

export type Claims = z.infer<typeof Claims>;

/** What is kept of a token with a socket, besides its organisation and its user. */
export interface TokenData {
  readonly projects: "*" | readonly string[];
  readonly user: UserProfile;
  readonly role?: string | undefined;
}

/** Reads the verified claims of a token; throws a `ZodError` that names the claim. */
export const claimsOf = (claims: unknown): Claims => Claims.parse(claims);

/** Who is behind a socket whose token has these claims, and where it is from the start. */
export function identityOf(claims: Claims) {
  const { sub, org, projects, email, firstName, lastName, role, sid, jti, exp } = claims;
  const own = [
    userRoom(sub),
    ...(sid === undefined ? [] : [sessionRoom(sid)]),
    ...(jti === undefined ? [] : [tokenRoom(jti)]),
  ];
  const data: TokenData = { projects, user: { id: sub, email, firstName, lastName }, role };
  return {
    ...{ tenant: org, userId: sub, data, expiresAt: exp, rooms: own, credentials: own },
    // Who addresses a user in a project means the sockets whose token grants it.
    tags: { [userRoom(sub)]: projects },
  };
}

/** Whether the token grants a project. */
export const grants = ({ projects }: Pick<TokenData, "projects">, projectId: string): boolean =>
  projects === "*" || projects.includes(projectId);

/** The project meant where a payload names none: the token's only one (contract, section 1). */
export const onlyProject = ({ projects }: Pick<TokenData, "projects">): string | undefined =>
  projects !== "*" && projects.length === 1 ? projects[0] : undefined;
