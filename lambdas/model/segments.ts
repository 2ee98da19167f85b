/** Joins the parts of a name with `#`, escaped so that no part can pretend to be two. */
export const segments = (...parts: readonly string[]): string => parts.map(escapePart).join("#");

const escapePart = (part: string): string => part.replaceAll(/[%#]/g, encodeURIComponent);
