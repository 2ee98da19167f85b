import type { RealtimeSocket } from "../index.ts";
import { make } from "./dom.ts";
import type { Panel } from "./panel.ts";
import { PROJECT } from "./scene.ts";

/** Shows who is online, or was when the socket was last connected. */
export function showOnline({ userId, find }: Panel, socket: RealtimeSocket): void {
  const online = new Set<string>();
  const show = () =>
    find("online").replaceChildren(
      ...[...online]
        .toSorted()
        .map((name) => make("li", {}, name === userId ? `${name} (you)` : name)),
    );
  const title = (text: string) => {
    find("online-title").textContent = text;
  };

  socket.on("connect", () => {
    title("Online");
    if (!socket.recovered)
      socket.emit("presence:online", PROJECT, () => socket.emit("presence:get:online", PROJECT));
  });
  socket.on("disconnect", () => title("Online before"));
  socket.on("presence:online:list", ({ users }) => {
    online.clear();
    for (const user of users) online.add(user.userId);
    show();
  });
  socket.on("presence:user:online", ({ userId: name }) => {
    online.add(name);
    show();
  });
  socket.on("presence:user:offline", ({ userId: name }) => {
    online.delete(name);
    show();
  });
}
