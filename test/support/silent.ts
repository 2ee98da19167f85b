import type { Telemetry } from "../../lambdas/model/telemetry.ts";

/** Telemetry that nobody looks at. */
export const SILENT: Telemetry = {
  note: () => undefined,
  fail: () => undefined,
  about: () => undefined,
  count: () => undefined,
};
