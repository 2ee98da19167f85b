import * as z from "zod";
import { Heartbeat } from "../lambdas/server/model/limits.ts";
import { wordingOf } from "../lambdas/server/model/wording.ts";
import { faultOf, unknownIn } from "./check-props.ts";
import { isWholeMinutes, WHOLE_MINUTES } from "./setting-kinds.ts";

/** The heartbeat, with an interval that a sweep once a minute can keep. */
export const RegularHeartbeat = Heartbeat.check(
  z.refine(({ pingInterval }: Heartbeat) => isWholeMinutes(pingInterval), {
    ...{ error: WHOLE_MINUTES, path: ["pingInterval"] },
  }),
);

/** The numbers that a prop sets, and the defaults of the others; throws one sentence that names each wrong one. */
export function numbersOf<Output extends object>(
  schema: z.core.$ZodType<Output, object>,
  given: object | undefined,
  name: string,
): Output {
  const result = z.safeParse(schema, given ?? {}, { error: wordingOf });
  const wrong = result.success
    ? unknownIn(given ?? {}, Object.keys(result.data))
    : result.error.issues.map(faultOf);
  if (result.success && wrong.length === 0) return result.data;
  throw new Error(`${name}: ${wrong.join("; ")}.`);
}
