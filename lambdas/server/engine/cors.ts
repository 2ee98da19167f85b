import { type Headers, headerOf } from "./handshake.ts";

/** Seconds for which a browser remembers what it was told. */
const MAX_AGE = 600;

/** Has a page read the answer, with or without credentials: which pages may is decided by their origins. */
export function corsHeaders(headers: Headers): Record<string, string> {
  const origin = headerOf(headers, "origin");
  if (origin === undefined) return {};
  return {
    "access-control-allow-origin": origin,
    "access-control-allow-credentials": "true",
    vary: "Origin",
  };
}

/** The answer to a browser that asks before it sends a request with headers of the page's own. */
export function preflightHeaders(headers: Headers): Record<string, string> {
  const asked = headerOf(headers, "access-control-request-headers");
  return {
    ...corsHeaders(headers),
    "access-control-allow-methods": "GET,POST",
    ...(asked !== undefined && { "access-control-allow-headers": asked }),
    "access-control-max-age": String(MAX_AGE),
  };
}
