import { vi } from "vitest";

type Wait = typeof vi.waitUntil;

/** Resolves with what a condition gives once that is truthy. Only what hangs ends by time: a busy machine takes long. */
export const until = ((isSo: () => unknown, options: object = {}) =>
  vi.waitUntil(isSo, { timeout: 100_000, ...options })) as Wait;
