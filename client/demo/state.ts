import { get } from "./dom.ts";

/** Tells whether the page is connected, and what went wrong if something did. */
export function show(state: "connected" | "not connected", detail = ""): void {
  const badge = get("state");
  badge.dataset.state = state;
  badge.textContent = detail === "" ? state : `${state}: ${detail}`;
}
