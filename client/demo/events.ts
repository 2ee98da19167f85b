import type { RealtimeSocket } from "../index.ts";
import { find, make, makeTime } from "./dom.ts";

const SHOWN_EVENTS = 200;

/** A log of all events that the page's sockets send and receive, with a filter; what it returns adds a socket. */
export function createEventLog(): (userId: string, socket: RealtimeSocket) => void {
  const filter = find<HTMLInputElement>("filter");
  const events = find("events");
  filter.oninput = () => {
    for (const line of events.children) applyFilter(line as HTMLElement);
  };

  function add(direction: string, name: string, payload: unknown): void {
    const time = makeTime(new Date().toISOString(), "medium");
    const compact = make("code", {}, JSON.stringify(payload) ?? "");
    const summary = make("summary", {}, time, ` ${direction} `, make("b", {}, name), " ", compact);
    const whole = make("pre", {}, JSON.stringify(payload, undefined, 2) ?? "no payload");
    const line = make("li", {}, make("details", {}, summary, whole));
    applyFilter(line);
    events.prepend(line);
    while (events.children.length > SHOWN_EVENTS) events.lastElementChild?.remove();
  }

  function applyFilter(line: HTMLElement): void {
    line.hidden = !line.textContent.toLowerCase().includes(filter.value.toLowerCase());
  }

  return (userId, socket) => {
    socket.onAny((name, payload) => add(`${userId} received`, String(name), payload));
    socket.onAnyOutgoing((name, payload) => add(`${userId} sent`, String(name), payload));
  };
}
