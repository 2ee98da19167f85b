import { get } from "./dom.ts";

/** Shows whether the page is connected, and an error if there is one. */
export function show(state: "connected" | "not connected", detail = ""): void {
  const badge = get("state");
  badge.dataset.state = state;
  badge.textContent = detail === "" ? state : `${state}: ${detail}`;
}
