import { vi } from "vitest";

/** Resolves with what a condition gives once that is truthy. Only what hangs ends by time: a busy machine takes long. */
export const until = <Given>(
  isSo: () => Given | Promise<Given>,
  options: { readonly interval?: number; readonly timeout?: number } = {},
) => vi.waitUntil(isSo, { timeout: 100_000, ...options });
