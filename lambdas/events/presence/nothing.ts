import * as z from "zod/mini";

/** No argument, `null` or an object whose fields do not matter (contract, presence). */
export const Nothing = z.union([z.undefined(), z.null(), z.object({})]);
