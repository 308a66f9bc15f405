/** Changes of the configuration, at the pace that the gateway allows. */
import { setTimeout as sleep } from "node:timers/promises";
import { AppError } from "../domain/app-error.ts";
import type { CliContext } from "./contract.ts";

/**
 * The gateway takes a few changes a minute. A script that makes more of them is slower than it wished, and not wrong.
 * Throws whatever `write` throws but CONN_003 with a time; AbortError where the person gave up waiting.
 */
export async function patiently<T>(
  write: () => Promise<T>,
  { output, signal }: Pick<CliContext, "output" | "signal">,
): Promise<T> {
  for (;;) {
    try {
      return await write();
    } catch (thrown) {
      const { code, retryAfterMs } = AppError.from(thrown);
      if (code !== "CONN_003" || retryAfterMs === undefined) throw thrown;
      output.note(`The gateway takes only a few changes a minute: going on in ${Math.ceil(retryAfterMs / 1_000)} s.`);
      await sleep(retryAfterMs, undefined, { signal });
    }
  }
}
