import * as z from "zod/mini";

/** No argument, `null` or an object whose fields do not matter (contract, presence). */
export const Nothing = z.optional(z.nullable(z.object({})));
