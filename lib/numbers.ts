import { HEARTBEAT, Heartbeat, type Numbers } from "../lambdas/server/model/limits.ts";
import { unknownIn } from "./check-props.ts";
import { isWholeMinutes, WHOLE_MINUTES } from "./setting-kinds.ts";

/** The heartbeat, with an interval that a sweep once a minute can keep. */
export const RegularHeartbeat: Numbers<Heartbeat> = {
  ...Heartbeat,
  faultsIn(given: Partial<Heartbeat>) {
    const faults = Heartbeat.faultsIn(given);
    const { pingInterval = HEARTBEAT.pingInterval.default } = given;
    if (faults.length > 0 || isWholeMinutes(pingInterval)) return faults;
    return [`pingInterval ${WHOLE_MINUTES}`];
  },
};

/** The numbers that a prop sets, and the defaults of the others; throws one sentence that names each wrong one. */
export function numbersOf<Output extends object>(
  numbers: Numbers<Output>,
  given: object | undefined,
  name: string,
): Output {
  const faults = numbers.faultsIn(given ?? {});
  const known = Object.keys(numbers.parse({}));
  const wrong = faults.length > 0 ? faults : unknownIn(given ?? {}, known);
  if (wrong.length > 0) throw new Error(`${name}: ${wrong.join("; ")}.`);
  return numbers.parse(given ?? {});
}
