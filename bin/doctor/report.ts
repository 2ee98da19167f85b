/** The lines that the doctor prints, one for each check. */
export interface Report {
  /** Runs a check and prints its line; resolves with whether it succeeded. */
  check(name: string, work: () => Promise<string> | string): Promise<boolean>;
  /** Prints that a check was skipped, and why. */
  skip(name: string, reason: string): void;
  /** Whether no check has failed so far. */
  isClean(): boolean;
}

/** Creates an empty report. */
export function createReport(print: (line: string) => void): Report {
  let failures = 0;
  return {
    async check(name, work) {
      try {
        print(`✓  ${name}: ${await work()}`);
        return true;
      } catch (error) {
        failures += 1;
        print(`✗  ${name}: ${error instanceof Error ? error.message : error}`);
        return false;
      }
    },
    skip: (name, reason) => print(`–  ${name}: ${reason}`),
    isClean: () => failures === 0,
  };
}
