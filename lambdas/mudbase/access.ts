import { admits, type Chat, type ChatKey, undescribedChat } from "#mudbase/model/chat.ts";
import { grants, onlyProject, type TokenData } from "#mudbase/model/identity.ts";
import type { Integration, IntegrationKey, Usage } from "#mudbase/model/integration.ts";
import {
  chatRoom,
  integrationRoom,
  projectOf,
  type Room,
  roomsNamed,
  webhookRoom,
} from "#mudbase/rooms.ts";
import { EventError } from "#server/errors.ts";
import type { AccessRequest } from "./define.ts";

type MakeRoom = (projectId: string, id: string) => Room;

interface MaybeProject {
  readonly projectId?: string | undefined;
}

/** Everyone with a session: what the event reaches lies in the caller's organisation by itself. */
export const organisationMember = (): object => ({});

/** Those whose token grants the project; where the payload names none, the token's only one is meant. */
export function projectMember({ payload, socket }: AccessRequest<MaybeProject>): {
  readonly projectId: string;
} {
  return { projectId: granted(socket.data, payload.projectId ?? onlyProject(socket.data)) };
}

type OfChat = MaybeProject & { readonly chatId: string };

/** Those whom a chat of a project lets in. A chat that nobody has described lets in all of its project. */
export async function chatMember(request: AccessRequest<OfChat>): Promise<ChatAccess> {
  return memberOf(request, await chatKeyOf(request));
}

/** The same, with what the handler needs besides, and does not depend on the chat: it is read at the same time. */
export async function chatMemberWith<Read extends object>(
  request: AccessRequest<OfChat>,
  read: (key: ChatKey) => Promise<Read>,
): Promise<ChatAccess & Read> {
  const key = await chatKeyOf(request);
  const [member, found] = await whileDeciding(memberOf(request, key), read(key));
  return { ...member, ...found };
}

/** Waits for access, and for what is read at the same time: if access is refused, a failure of that does not matter. */
async function whileDeciding<Granted, Read>(
  access: Promise<Granted>,
  reading: Promise<Read>,
): Promise<readonly [Granted, Read]> {
  reading.catch(() => undefined);
  return [await access, await reading];
}

interface ChatAccess {
  readonly chat: Chat;
  readonly key: ChatKey;
  readonly isNewChat: boolean;
}

async function chatKeyOf(request: AccessRequest<OfChat>): Promise<ChatKey> {
  const { payload, socket } = request;
  const projectId = granted(socket.data, await chatProject(request));
  return { org: socket.tenant, projectId, chatId: payload.chatId };
}

async function memberOf(
  { socket, chats }: Pick<AccessRequest<OfChat>, "socket" | "chats">,
  key: ChatKey,
): Promise<ChatAccess> {
  const described = await chats.find(key);
  const chat = described ?? undescribedChat(key);
  if (!admits(chat, socket.userId)) throw stranger(key.chatId);
  return { chat, key, isNewChat: described === undefined };
}

/** Someone whom a chat does not let in. */
export const stranger = (chatId: string): EventError =>
  new EventError("forbidden", `you are not a member of the chat ${chatId}`);

/** Those who may use the project of an integration; there must be one. */
export async function integrationUser(
  request: AccessRequest<OneIntegration>,
): Promise<IntegrationAccess> {
  const key = integrationKeyOf(request);
  const integration = await request.integrations.find(key);
  if (integration === undefined)
    throw new EventError("not_found", `there is no integration ${key.integrationId}`);
  return { integration, projectId: key.projectId };
}

/** The same, with how much it is used, which is read at the same time. */
export async function integrationUserWithUsage(
  request: AccessRequest<OneIntegration>,
): Promise<IntegrationAccess & { readonly usage: Usage }> {
  const reading = request.integrations.usage(integrationKeyOf(request));
  const [access, usage] = await whileDeciding(integrationUser(request), reading);
  return { ...access, usage };
}

interface OneIntegration {
  readonly projectId: string;
  readonly integrationId: string;
}

interface IntegrationAccess {
  readonly integration: Integration;
  readonly projectId: string;
}

function integrationKeyOf(request: AccessRequest<OneIntegration>): IntegrationKey {
  const { payload, socket } = request;
  const { projectId } = projectMember(request);
  return { org: socket.tenant, projectId, integrationId: payload.integrationId };
}

/** Everyone, for the chat rooms they are in themselves. */
export const ownChatRooms = (request: AccessRequest<OfChat>): Promise<OwnRooms> =>
  ownRooms(request, chatRoom, request.payload.chatId);

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
  const { payload, socket } = request;
  const named = payload.projectId ?? onlyProject(socket.data);
  if (named !== undefined) return { rooms: [make(granted(socket.data, named), id)] };
  return { rooms: await joinedRooms(request, make, id) };
}

/** The project meant by an event about a chat: named, the token's only one, or where this socket is in the chat. */
async function chatProject(request: AccessRequest<OfChat>): Promise<string | undefined> {
  const { payload, socket } = request;
  const { chatId } = payload;
  const named = payload.projectId ?? onlyProject(socket.data);
  if (named !== undefined) return named;
  const joined = await joinedRooms(request, chatRoom, chatId);
  return joined.length === 1 && joined[0] !== undefined ? projectOf(joined[0]) : undefined;
}

/** The rooms of one kind and this id that a socket is in, whatever their project. */
const joinedRooms = async (
  { socket }: Pick<AccessRequest<unknown>, "socket">,
  make: MakeRoom,
  id: string,
): Promise<readonly Room[]> => roomsNamed(await socket.rooms(), make, id);

function granted(data: TokenData, projectId: string | undefined): string {
  if (projectId === undefined)
    throw new EventError(
      "invalid_payload",
      "projectId: is required, because your token does not name exactly one project",
    );
  if (!grants(data, projectId))
    throw new EventError("forbidden", `your token does not grant the project ${projectId}`);
  return projectId;
}
