import type { RealtimeSocket } from "../index.ts";
import type { Panel } from "./panel.ts";
import { LOBBY } from "./scene.ts";

const TYPING_TIMEOUT = 2000;

/** Shows who is typing, and tells the others that this user is; what it returns tells them that it has stopped. */
export function showTyping({ find }: Panel, socket: RealtimeSocket): () => void {
  const typists = new Set<string>();
  const show = () => {
    const names = [...typists].toSorted();
    const verb = names.length === 1 ? "is" : "are";
    find("typing").textContent =
      names.length === 0 ? "\u00a0" : `${names.join(" and ")} ${verb} typing …`;
  };
  // Who stops while the network is cut is not replayed.
  socket.on("disconnect", () => {
    typists.clear();
    show();
  });
  socket.on("user:typing:start", ({ userId }) => {
    typists.add(userId);
    show();
  });
  socket.on("user:typing:stop", ({ userId }) => {
    typists.delete(userId);
    show();
  });

  let typing: ReturnType<typeof setTimeout> | undefined;
  /** Of interest now, or not at all. */
  const tell = (name: "chat:typing:start" | "chat:typing:stop") => {
    if (socket.connected) socket.emit(name, LOBBY);
  };
  const stop = () => {
    clearTimeout(typing);
    if (typing !== undefined) tell("chat:typing:stop");
    typing = undefined;
  };
  find("text").oninput = () => {
    if (typing === undefined) tell("chat:typing:start");
    clearTimeout(typing);
    typing = setTimeout(stop, TYPING_TIMEOUT);
  };
  return stop;
}
