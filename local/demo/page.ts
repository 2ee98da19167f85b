import { io, type Socket } from "socket.io-client";

/** What the page does: one user in one chat of one project, with everything that is heard. */
const USERS = ["ann", "ben", "eve"];
const P1 = { projectId: "p1" };
const LOBBY = { ...P1, chatId: "lobby" };
const SHOWN_EVENTS = 200;
const STOPPED_TYPING = 2000;

interface Message {
  readonly _id: string;
  readonly sender: string;
  readonly content: string;
  readonly reactions?: Readonly<Record<string, readonly string[]>>;
  readonly readBy?: number;
}

const get = <Element extends HTMLElement>(id: string): Element => {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no ${id}`);
  return found as Element;
};
const make = (tag: string, text = ""): HTMLElement =>
  Object.assign(document.createElement(tag), { textContent: text });

const readers = new Map<string, Set<string>>();
const likes = new Map<string, Set<string>>();
const online = new Set<string>();
const typists = new Set<string>();
let socket: Socket | undefined;
let userId = new URLSearchParams(location.search).get("user") ?? "ann";

const select = get<HTMLSelectElement>("user");
for (const name of USERS) select.append(new Option(name, name, false, name === userId));
select.addEventListener("change", () => {
  userId = select.value;
  history.replaceState(null, "", `?user=${userId}`);
  void start();
});
get("drop").addEventListener("click", () => socket?.io.engine.close());
get("insert").addEventListener("click", () => void fetch("/demo/rows", { method: "POST" }));
get("filter").addEventListener("input", () => {
  for (const line of get("events").children) hideUnlessWanted(line as HTMLElement);
});
get("send").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = get<HTMLInputElement>("text");
  const clientMessageId = crypto.randomUUID();
  socket?.emit("message:send", { ...LOBBY, type: "text", content: text.value, clientMessageId });
  text.value = "";
  stopTyping();
});

let typing: ReturnType<typeof setTimeout> | undefined;
get("text").addEventListener("input", () => {
  if (typing === undefined) socket?.emit("chat:typing:start", LOBBY);
  clearTimeout(typing);
  typing = setTimeout(stopTyping, STOPPED_TYPING);
});
function stopTyping(): void {
  clearTimeout(typing);
  if (typing !== undefined) socket?.emit("chat:typing:stop", LOBBY);
  typing = undefined;
}

void start();

/** Connects as the chosen user, anew. */
async function start(): Promise<void> {
  socket?.disconnect();
  const { token } = (await (await fetch(`/demo/token?user=${userId}`)).json()) as { token: string };
  const mine = io({ transports: ["websocket"], auth: { token }, forceNew: true });
  socket = mine;
  mine.on("connect", () => void join(mine));
  mine.on("disconnect", (reason) => show("not connected", reason));
  mine.on("connect_error", ({ message }) => show("not connected", message));
  mine.onAny(note);
  mine.on("message:new", ({ message }) => showMessage(mine, message));
  mine.on("message:reaction", ({ messageId, userId: by, action }) => {
    const own = likes.get(messageId) ?? new Set();
    likes.set(messageId, own);
    if (action === "added") own.add(by);
    else own.delete(by);
    tally(messageId);
  });
  mine.on("messages:read", ({ messageIds, readBy }) => {
    for (const id of messageIds as string[])
      readers.set(id, (readers.get(id) ?? new Set()).add(readBy));
    for (const id of messageIds as string[]) tally(id);
  });
  listen(mine, "user:typing:start", (by) => typists.add(by), showTypists);
  listen(mine, "user:typing:stop", (by) => typists.delete(by), showTypists);
  listen(mine, "presence:user:online", (by) => online.add(by), showOnline);
  listen(mine, "presence:user:offline", (by) => online.delete(by), showOnline);
  mine.on("db:create", ({ data }) => showRow(data));
}

/** Keeps a list of users that an event changes, and shows it. */
function listen(
  mine: Socket,
  event: string,
  change: (by: string) => unknown,
  update: () => void,
): void {
  mine.on(event, ({ userId: by }: { readonly userId: string }) => {
    change(by);
    update();
  });
}

/** What a client does at every connection: API Gateway ends each after two hours. */
async function join(mine: Socket): Promise<void> {
  show("connected");
  await mine.emitWithAck("chat:join", LOBBY);
  await mine.emitWithAck("presence:online", P1);
  await mine.emitWithAck("subscribe:collection", { ...P1, collectionId: "rows" });
  const { users } = await mine.emitWithAck("presence:get:online", P1);
  online.clear();
  for (const { userId: name } of users as { userId: string }[]) online.add(name);
  showOnline();
  const { messages } = await mine.emitWithAck("messages:history", LOBBY);
  get("messages").replaceChildren();
  for (const message of (messages as Message[]).toReversed()) showMessage(mine, message);
}

function show(state: string, detail = ""): void {
  const badge = get("state");
  badge.dataset.state = state;
  badge.textContent = detail === "" ? state : `${state}: ${detail}`;
}

function showMessage(mine: Socket, message: Message): void {
  const { _id, sender, content } = message;
  likes.set(_id, new Set(message.reactions?.["♥"]));
  const line = make("li");
  line.id = _id;
  const like = make("button", "♥");
  like.setAttribute("aria-label", `Like the message of ${sender}`);
  like.addEventListener("click", () =>
    mine.emit("message:react", { ...LOBBY, messageId: _id, emoji: "♥" }),
  );
  line.append(make("strong", `${sender} `), make("span", `${content} `), like, make("small"));
  get("messages").append(line);
  line.scrollIntoView({ block: "nearest" });
  tally(_id, message.readBy);
  if (sender !== userId) mine.emit("messages:mark:read", { ...LOBBY, messageIds: [_id] });
}

/** The likes and readers of a message, below it. */
function tally(id: string, readBy = 0): void {
  const small = document.getElementById(id)?.querySelector("small");
  if (small === null || small === undefined) return;
  const liked = [...(likes.get(id) ?? [])].toSorted().join(", ");
  const read = Math.max(readBy, readers.get(id)?.size ?? 0);
  small.textContent = `${liked === "" ? "" : ` liked by ${liked}`}${read === 0 ? "" : ` · read by ${read}`}`;
}

function showOnline(): void {
  get("online").replaceChildren(...[...online].toSorted().map((name) => make("li", `● ${name}`)));
}

function showTypists(): void {
  const names = [...typists].join(" and ");
  get("typing").textContent = names === "" ? "\u00a0" : `${names} is typing …`;
}

function showRow({ _id, title }: { readonly _id: string; readonly title: string }): void {
  const row = make("tr");
  row.append(make("td", _id), make("td", title));
  get("rows").prepend(row);
}

/** A line in the console of events. */
function note(event: string, payload: unknown): void {
  const line = make("li", `${event} ${JSON.stringify(payload)}`);
  hideUnlessWanted(line);
  const events = get("events");
  events.prepend(line);
  while (events.children.length > SHOWN_EVENTS) events.lastElementChild?.remove();
}

function hideUnlessWanted(line: HTMLElement): void {
  const wanted = get<HTMLInputElement>("filter").value.toLowerCase();
  line.hidden = !(line.textContent ?? "").toLowerCase().includes(wanted);
}
