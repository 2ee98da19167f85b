/** The lines that the doctor prints, one for each check. */
export interface Report {
  /** Runs a check and prints its line; whether it went well. */
  check(name: string, work: () => Promise<string> | string): Promise<boolean>;
  /** Prints that something was not checked, and why. */
  skip(name: string, reason: string): void;
  /** Whether no check has failed so far. */
  isClean(): boolean;
}

/** A report that has no lines yet. */
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
