import { connect } from "../index.ts";
import { showChat } from "./chat.ts";
import { find, make } from "./dom.ts";
import { createEventLog } from "./events.ts";
import { switchNetwork } from "./network.ts";
import { showOnline } from "./online.ts";
import { addPanel } from "./panel.ts";
import { showRows } from "./rows.ts";
import { USERS } from "./scene.ts";

const RETRY_DELAY = 2000;

const record = createEventLog();
const users = USERS.map(start);
for (const user of users) addToSwitch(user);

/** Adds the panel of a user, who has a socket and a connection of its own, and a fresh token for each connection. */
function start(userId: string) {
  const panel = addPanel(userId);
  const socket = connect(location.origin, { token: () => tokenOf(userId) });
  socket.on("connect", () => panel.show("connected"));
  socket.on("disconnect", pause);
  socket.on("connect_error", ({ message }) => pause(message));
  socket.on("exception", ({ message }) => panel.show("connected", message));
  socket.on("error", ({ message }) => panel.show("connected", message));

  record(userId, socket);
  switchNetwork(panel, socket);
  showOnline(panel, socket);
  showChat(panel, socket);
  showRows(panel, socket);
  return { panel, socket };

  /** The stock client does not reconnect by itself after a DISCONNECT or a CONNECT_ERROR of the server. */
  function pause(reason: string): void {
    panel.show("not connected", reason);
    if (!socket.active) setTimeout(() => socket.connect(), RETRY_DELAY);
  }
}

async function tokenOf(userId: string): Promise<string> {
  const answer = await fetch(`/demo/token?user=${userId}`);
  if (!answer.ok) throw new Error(`/demo/token answered ${answer.status}`);
  return ((await answer.json()) as { readonly token: string }).token;
}

/** A phone has room for one panel: the switch selects which, and says where a message has arrived. */
function addToSwitch({ panel, socket }: ReturnType<typeof start>): void {
  const { userId, section } = panel;
  const isFirst = userId === USERS[0];
  section.classList.toggle("selected", isFirst);
  const radio = make("input", { type: "radio", name: "user", value: userId, checked: isFirst });
  const hint = make("small");
  radio.onchange = () => {
    hint.textContent = "";
    for (const user of users) user.panel.section.classList.toggle("selected", user.panel === panel);
  };
  socket.on("message:new", () => {
    if (!section.checkVisibility()) hint.textContent = " · new";
  });
  find("switch").append(make("label", {}, radio, userId, hint));
}
