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
  readonly now: () => number;
}

/** EventBridge Scheduler on this machine. */
export interface Schedules {
  /** Invokes for a full minute, at once. */
  run(scheduledTime: number): void;
  /** Invokes for each full minute from now on, up to a minute late. */
  start(): void;
  stop(): void;
}

/** Emulates EventBridge Scheduler. */
export function createSchedules({ schedules, invoke, jitter, now }: SchedulesParts): Schedules {
  const timers = new Set<NodeJS.Timeout>();

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
    }, time - now());
    timers.add(timer);
  }

  return {
    run(scheduledTime) {
      for (const schedule of schedules)
        invoke(schedule.functionName, inputOf(schedule, scheduledTime));
    },
    start: () => planAll(minuteAfter(now())),
    stop() {
      timers.forEach(clearTimeout);
      timers.clear();
    },
  };
}

const minuteAfter = (time: number): number => (Math.floor(time / MINUTE) + 1) * MINUTE;

/** The full minutes after one time, up to another. */
export function* minutesBetween(from: number, to: number): Generator<number> {
  for (let time = minuteAfter(from); time <= to; time += MINUTE) yield time;
}

/** The input with the scheduled time filled in, which EventBridge formats in whole seconds. */
function inputOf({ input }: ScheduleDefinition, scheduledTime: number): object {
  const time = new Date(scheduledTime).toISOString().replace(".000Z", "Z");
  return JSON.parse(JSON.stringify(input).replaceAll(SCHEDULED_TIME, time)) as object;
}
