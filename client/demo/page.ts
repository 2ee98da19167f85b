import { connect, type RealtimeSocket } from "../index.ts";
import { showChat } from "./chat.ts";
import { get } from "./dom.ts";
import { showEvents } from "./events.ts";
import { showOnline } from "./online.ts";
import { showRows } from "./rows.ts";
import { USERS } from "./scene.ts";
import { show } from "./state.ts";

const RETRY_DELAY = 2000;

let socket: RealtimeSocket | undefined;

const select = get<HTMLSelectElement>("user");
const selected = new URLSearchParams(location.search).get("user");
for (const name of USERS) select.append(new Option(name, name, false, name === selected));
select.onchange = () => {
  history.replaceState(null, "", `?user=${select.value}`);
  start(select.value);
};
get("drop").onclick = () => socket?.io.engine.close();

start(select.value);

/** Connects as this user, with a fresh token for each connection. */
function start(userId: string): void {
  socket?.disconnect();
  const mine = connect(location.origin, { token: () => tokenOf(userId) });
  socket = mine;
  mine.on("connect", () => show("connected"));
  mine.on("disconnect", (reason) => pause(reason));
  mine.on("connect_error", ({ message }) => pause(message));
  mine.on("exception", ({ message }) => show("connected", message));
  mine.on("error", ({ message }) => show("connected", message));

  showEvents(mine);
  showChat(mine, userId);
  showOnline(mine, userId);
  showRows(mine);

  /** The stock client does not reconnect by itself after a DISCONNECT or a CONNECT_ERROR of the server. */
  function pause(reason: string): void {
    show("not connected", reason);
    if (!mine.active) setTimeout(() => mine === socket && mine.connect(), RETRY_DELAY);
  }
}

async function tokenOf(userId: string): Promise<string> {
  const answer = await fetch(`/demo/token?user=${userId}`);
  if (!answer.ok) throw new Error(`/demo/token answered ${answer.status}`);
  return ((await answer.json()) as { readonly token: string }).token;
}
