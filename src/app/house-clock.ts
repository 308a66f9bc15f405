/** The clock of a running gateway: what a timer throws is logged and the next beat comes; it ends no process. */
import { AppError } from "../domain/app-error.ts";
import { systemClock, type Clock } from "../platform/clock.ts";
import type { Log } from "../platform/log.ts";

/** `log` is asked when something fails: the log itself is built with this clock. */
export function createHouseClock(log: () => Log): Clock {
  return systemClock((thrown) => {
    // Housekeeping on a full disk fails at every beat; messages are answered meanwhile.
    log().error("a timer's work failed and is tried again at its next beat", { error: AppError.from(thrown).toJSON() });
  });
}
