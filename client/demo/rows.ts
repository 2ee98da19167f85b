import type { RealtimeSocket } from "../index.ts";
import { make } from "./dom.ts";
import type { Panel } from "./panel.ts";
import { ROWS } from "./scene.ts";

const SHOWN_ROWS = 5;

/** A document of the demo's collection. */
interface Row {
  readonly _id: string;
  readonly title: string;
}

/** Shows the rows of the collection that the back end published last. */
export function showRows({ find, show }: Panel, socket: RealtimeSocket): void {
  const rows = new Map<string, HTMLTableRowElement>();
  const isFollowing = (is: boolean) => find("table").setAttribute("aria-busy", String(!is));
  socket.on("connect", () => {
    if (socket.recovered) isFollowing(true);
    else socket.emit("subscribe:collection", ROWS, () => isFollowing(true));
  });
  socket.on("disconnect", () => isFollowing(false));
  socket.on("db:create", ({ data }) => put(data as Row));
  socket.on("db:update", ({ data }) => put(data as Row));
  socket.on("db:delete", ({ data }) => remove((data as Row)._id));
  find("insert").onclick = () =>
    void insert().catch(({ message }: Error) =>
      show(socket.connected ? "connected" : "not connected", message),
    );

  function put({ _id, title }: Row): void {
    const row = rows.get(_id) ?? make("tr");
    row.replaceChildren(make("td", {}, _id), make("td", {}, title));
    if (rows.has(_id)) return;
    rows.set(_id, row);
    find("rows").prepend(row);
    const [oldest = ""] = rows.keys();
    if (rows.size > SHOWN_ROWS) remove(oldest);
  }

  function remove(id: string): void {
    rows.get(id)?.remove();
    rows.delete(id);
  }
}

async function insert(): Promise<void> {
  const { ok, status } = await fetch("/demo/rows", { method: "POST" });
  if (!ok) throw new Error(`no row was inserted (HTTP ${status})`);
}
