/** Joins the parts of a name with `#`, escaped so that no part can pretend to be two. */
export const segments = (...parts: readonly string[]): string => parts.map(escapePart).join("#");

/** The parts that were joined. */
export const splitSegments = (joined: string): readonly string[] =>
  joined.split("#").map((part) => part.replaceAll(/%(?:25|23)/g, decodeURIComponent));

const escapePart = (part: string): string => part.replaceAll(/[%#]/g, encodeURIComponent);
