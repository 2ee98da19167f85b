import { connect, type RealtimeSocket } from "../index.ts";
import { showChat } from "./chat.ts";
import { get } from "./dom.ts";
import { showEvents } from "./events.ts";
import { showOnline } from "./online.ts";
import { showRows } from "./rows.ts";
import { USERS } from "./scene.ts";

let socket: RealtimeSocket | undefined;

const select = get<HTMLSelectElement>("user");
const asked = new URLSearchParams(location.search).get("user");
for (const name of USERS) select.append(new Option(name, name, false, name === asked));
select.onchange = () => {
  history.replaceState(null, "", `?user=${select.value}`);
  start(select.value);
};
get("drop").onclick = () => socket?.io.engine.close();

start(select.value);

/** Connects as this user. API Gateway ends a connection after two hours; each gets a fresh token. */
function start(userId: string): void {
  socket?.disconnect();
  const mine = connect(location.origin, { token: () => tokenOf(userId) });
  socket = mine;
  mine.on("connect", () => show("connected"));
  mine.on("disconnect", (reason) => {
    show("not connected", reason);
    // The stock client does not come back by itself where the server has said goodbye.
    if (reason === "io server disconnect") mine.connect();
  });
  mine.on("connect_error", ({ message }) => show("not connected", message));
  mine.on("error", ({ message }) => show("connected", message));

  showEvents(mine);
  showChat(mine, userId);
  showOnline(mine, userId);
  showRows(mine);
}

async function tokenOf(userId: string): Promise<string> {
  const answer = await fetch(`/demo/token?user=${userId}`);
  return String(((await answer.json()) as { readonly token?: string }).token);
}

function show(state: "connected" | "not connected", detail = ""): void {
  const badge = get("state");
  badge.dataset.state = state;
  badge.textContent = detail === "" ? state : `${state}: ${detail}`;
}
