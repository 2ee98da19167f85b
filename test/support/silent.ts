import type { Telemetry } from "../../lambdas/server/model/telemetry.ts";

/** Telemetry that is discarded. */
export const SILENT: Telemetry = {
  note: () => undefined,
  fail: () => undefined,
  about: () => undefined,
  count: () => undefined,
};
