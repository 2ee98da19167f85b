import { admits, type Chat, type ChatPlace, undescribedChat } from "#mudbase/model/chat.ts";
import { grants, type Identity, onlyProject } from "#mudbase/model/identity.ts";
import type { Integration } from "#mudbase/model/integration.ts";
import type { AccessRequest } from "#server/events/define-event.ts";
import { EventError } from "#server/events/errors.ts";
import {
  chatRoom,
  integrationRoom,
  projectOf,
  type Room,
  roomsNamed,
  webhookRoom,
} from "#server/model/room.ts";

type MakeRoom = (projectId: string, id: string) => Room;

interface MaybeProject {
  readonly projectId?: string | undefined;
}

/** Everyone with a session: what the event reaches lies in the caller's organisation by itself. */
export const organisationMember = (): object => ({});

/** Those whose token grants the project; where the payload names none, the token's only one is meant. */
export function projectMember({ payload, identity }: AccessRequest<MaybeProject>): {
  readonly projectId: string;
} {
  return { projectId: granted(identity, payload.projectId ?? onlyProject(identity)) };
}

/** Those whom a chat of a project lets in. A chat that nobody has described lets in all of its project. */
export async function chatMember(
  request: AccessRequest<MaybeProject & { readonly chatId: string }>,
): Promise<{ readonly chat: Chat; readonly place: ChatPlace; readonly isNewChat: boolean }> {
  const { payload, identity, chats } = request;
  const { chatId } = payload;
  const projectId = granted(identity, await chatProject(request));
  const place = { org: identity.org, projectId, chatId };

  const described = await chats.find(place);
  const chat = described ?? undescribedChat(place);
  if (!admits(chat, identity.userId)) throw stranger(chatId);
  return { chat, place, isNewChat: described === undefined };
}

/** Someone whom a chat does not let in. */
export const stranger = (chatId: string): EventError =>
  new EventError("forbidden", `you are not a member of the chat ${chatId}`);

/** Those who may use the project of an integration; there must be one. */
export async function integrationUser(
  request: AccessRequest<{ readonly projectId: string; readonly integrationId: string }>,
): Promise<{ readonly integration: Integration; readonly projectId: string }> {
  const { payload, identity, integrations } = request;
  const { integrationId } = payload;
  const { projectId } = projectMember(request);
  const integration = await integrations.find({ org: identity.org, projectId, integrationId });
  if (integration === undefined)
    throw new EventError("not_found", `there is no integration ${integrationId}`);
  return { integration, projectId };
}

/** Everyone, for the chat rooms they are in themselves. */
export const ownChatRooms = (
  request: AccessRequest<MaybeProject & { readonly chatId: string }>,
): Promise<OwnRooms> => ownRooms(request, chatRoom, request.payload.chatId);

/** Everyone, for the integrations they follow themselves. */
export const ownIntegrationRooms = (request: AccessRequest<OfIntegration>): Promise<OwnRooms> =>
  ownRooms(request, integrationRoom, request.payload.integrationId);

/** Everyone, for the webhooks they are subscribed to themselves. */
export const ownWebhookRooms = (request: AccessRequest<OfIntegration>): Promise<OwnRooms> =>
  ownRooms(request, webhookRoom, request.payload.integrationId);

type OfIntegration = MaybeProject & { readonly integrationId: string };

interface OwnRooms {
  readonly rooms: readonly Room[];
}

/** The room of this id in the project meant, or else in whichever projects the socket is in it. */
async function ownRooms(
  request: AccessRequest<MaybeProject>,
  make: MakeRoom,
  id: string,
): Promise<OwnRooms> {
  const { payload, identity } = request;
  const named = payload.projectId ?? onlyProject(identity);
  if (named !== undefined) return { rooms: [make(granted(identity, named), id)] };
  return { rooms: await joinedRooms(request, make, id) };
}

/** The project meant by an event about a chat: named, the token's only one, or where this socket is in the chat. */
async function chatProject(
  request: AccessRequest<MaybeProject & { readonly chatId: string }>,
): Promise<string | undefined> {
  const { payload, identity } = request;
  const { chatId } = payload;
  const named = payload.projectId ?? onlyProject(identity);
  if (named !== undefined) return named;
  const joined = await joinedRooms(request, chatRoom, chatId);
  return joined.length === 1 && joined[0] !== undefined ? projectOf(joined[0]) : undefined;
}

/** The rooms of one kind and this id that a socket is in, whatever their project. */
async function joinedRooms(
  { connections, connectionId }: Pick<AccessRequest<unknown>, "connections" | "connectionId">,
  make: MakeRoom,
  id: string,
): Promise<readonly Room[]> {
  const connection = await connections.get(connectionId);
  return roomsNamed(connection?.rooms ?? [], make, id);
}

function granted(identity: Identity, projectId: string | undefined): string {
  if (projectId === undefined)
    throw new EventError(
      "invalid_payload",
      "projectId: is required, because your token does not name exactly one project",
    );
  if (!grants(identity, projectId))
    throw new EventError("forbidden", `your token does not grant the project ${projectId}`);
  return projectId;
}
