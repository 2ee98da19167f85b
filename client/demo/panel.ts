import { find } from "./dom.ts";

/** The part of the page that one user has. */
export interface Panel {
  readonly userId: string;
  readonly section: HTMLElement;
  /** The panel's element that has this name; throws if there is none. */
  find<Kind extends HTMLElement>(name: string): Kind;
  /** Shows whether the user is connected, with a detail if there is one. */
  show(state: "connected" | "connecting" | "not connected" | "network cut", detail?: string): void;
}

/** Adds a panel to the page. */
export function addPanel(userId: string): Panel {
  const { content } = find<HTMLTemplateElement>("panel");
  const section = find("user", document.importNode(content, true));
  section.ariaLabel = userId;
  find("title", section).textContent = userId;
  const text = find<HTMLInputElement>("text", section);
  text.placeholder = `Write as ${userId}`;
  text.ariaLabel = `Message of ${userId}`;
  find("panels").append(section);

  return {
    userId,
    section,
    find: (name) => find(name, section),
    show(state, detail = "") {
      section.dataset.state = state;
      find("state", section).textContent = detail === "" ? state : `${state}: ${detail}`;
    },
  };
}
