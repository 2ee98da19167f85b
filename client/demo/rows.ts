import type { RealtimeSocket } from "../index.ts";
import { get, make } from "./dom.ts";
import { ROWS } from "./scene.ts";
import { show } from "./state.ts";

/** A document of the demo's collection. */
interface Row {
  readonly _id: string;
  readonly title: string;
}

/** Shows a table of the collection, whose rows are published by the back end. */
export function showRows(socket: RealtimeSocket): void {
  const isFollowing = (is: boolean) => get("table").setAttribute("aria-busy", String(!is));
  socket.on("connect", () => socket.emit("subscribe:collection", ROWS, () => isFollowing(true)));
  socket.on("disconnect", () => isFollowing(false));
  socket.on("db:create", ({ data }) => put(data as Row));
  socket.on("db:update", ({ data }) => put(data as Row));
  socket.on("db:delete", ({ data }) => rowOf((data as Row)._id)?.remove());
  get("insert").onclick = () =>
    void insert().catch(({ message }: Error) => show("connected", message));

  const rowOf = (id: string) => document.getElementById(`row-${id}`);

  function put({ _id, title }: Row): void {
    const cells = [make("td", {}, _id), make("td", {}, title)];
    const row = rowOf(_id);
    if (row !== null) row.replaceChildren(...cells);
    else get("rows").prepend(make("tr", { id: `row-${_id}` }, ...cells));
  }
}

async function insert(): Promise<void> {
  const { ok, status } = await fetch("/demo/rows", { method: "POST" });
  if (!ok) throw new Error(`no row was inserted (HTTP ${status})`);
}
