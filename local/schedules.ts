import type { Random } from "./random.ts";
import type { ScheduleDefinition } from "./template.ts";

const MINUTE = 60_000;

/** What EventBridge Scheduler replaces in an input. */
const SCHEDULED_TIME = "<aws.scheduler.scheduled-time>";

export interface SchedulesParts {
  readonly schedules: readonly ScheduleDefinition[];
  readonly invoke: (functionName: string, input: object) => void;
  /** The fraction of a minute by which an invocation is late. */
  readonly jitter: Random;
}

/** Emulates EventBridge Scheduler: invokes for each full minute, up to a minute late. Returns the function that stops it. */
export function startSchedules({ schedules, invoke, jitter }: SchedulesParts): () => void {
  const timers = new Set<NodeJS.Timeout>();
  planAll((Math.floor(Date.now() / MINUTE) + 1) * MINUTE);
  return () => timers.forEach(clearTimeout);

  function planAll(scheduledTime: number): void {
    at(scheduledTime, () => {
      for (const schedule of schedules)
        at(scheduledTime + Math.floor(jitter() * MINUTE), () =>
          invoke(schedule.functionName, inputOf(schedule, scheduledTime)),
        );
      planAll(scheduledTime + MINUTE);
    });
  }

  function at(time: number, work: () => void): void {
    const timer = setTimeout(() => {
      timers.delete(timer);
      work();
    }, time - Date.now());
    timers.add(timer);
  }
}

/** The input with the scheduled time filled in, which EventBridge formats in whole seconds. */
function inputOf({ input }: ScheduleDefinition, scheduledTime: number): object {
  const time = new Date(scheduledTime).toISOString().replace(".000Z", "Z");
  return JSON.parse(JSON.stringify(input).replaceAll(SCHEDULED_TIME, time)) as object;
}
