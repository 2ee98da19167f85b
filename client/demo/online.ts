import type { RealtimeSocket } from "../index.ts";
import { get, make } from "./dom.ts";
import { PROJECT } from "./scene.ts";

/** Shows who is online. */
export function showOnline(socket: RealtimeSocket, userId: string): void {
  const online = new Set<string>();
  const show = () =>
    get("online").replaceChildren(
      ...[...online]
        .toSorted()
        .map((name) => make("li", {}, name === userId ? `${name} (you)` : name)),
    );

  socket.on("connect", () =>
    socket.emit("presence:online", PROJECT, () => socket.emit("presence:get:online", PROJECT)),
  );
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
