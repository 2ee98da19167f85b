import type { RealtimeSocket } from "../index.ts";
import { get, make } from "./dom.ts";

const SHOWN_EVENTS = 200;

/** Shows a log of all events that this page sends and receives, with a filter. */
export function showEvents(socket: RealtimeSocket): void {
  const filter = get<HTMLInputElement>("filter");
  const events = get("events");

  socket.onAny((name, payload) => add("←", String(name), payload));
  socket.onAnyOutgoing((name, payload) => add("→", String(name), payload));
  filter.oninput = () => {
    for (const line of events.children) applyFilter(line as HTMLElement);
  };

  function add(arrow: string, name: string, payload: unknown): void {
    const text = `${arrow} ${name} ${JSON.stringify(payload) ?? ""}`;
    const line = make("li", { title: text }, text);
    applyFilter(line);
    events.prepend(line);
    while (events.children.length > SHOWN_EVENTS) events.lastElementChild?.remove();
  }

  function applyFilter(line: HTMLElement): void {
    line.hidden = !line.textContent.toLowerCase().includes(filter.value.toLowerCase());
  }
}
