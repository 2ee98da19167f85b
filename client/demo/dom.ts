/** The element of the page, or of a part of it, that has this name; throws if there is none. */
export function find<Kind extends HTMLElement>(name: string, within: ParentNode = document): Kind {
  const found = within.querySelector<Kind>(`[data-name="${name}"]`);
  if (found === null) throw new Error(`the page has no ${name}`);
  return found;
}

/** A new element with these properties and children. */
export function make<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  properties: Partial<HTMLElementTagNameMap[Tag]> = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** A time of day of the user's own zone, with the date where that is not today. */
export function makeTime(
  iso: string,
  timeStyle: "short" | "medium" = "short",
): HTMLElementTagNameMap["time"] {
  const date = new Date(iso);
  const isToday = date.toDateString() === new Date().toDateString();
  const options = isToday ? ({ timeStyle } as const) : ({ timeStyle, dateStyle: "short" } as const);
  return make("time", { dateTime: iso }, date.toLocaleString([], options));
}
