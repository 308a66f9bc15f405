/** Ends the turn that `sessions.compact` waits for, where nobody runs turns. For tests of the wire. */
import { expect } from "vitest";
import type { AdmitRequest } from "../../inbound/contract.ts";
import type { Stage } from "../fake-deps.fixture.ts";

/** Returns what was let in through the door. `before` is done while the method waits. */
export async function endCompaction(
  stage: Stage,
  text = "There is nothing to sum up yet.",
  before: (runId: string) => Promise<unknown> = () => Promise.resolve(),
): Promise<AdmitRequest> {
  const isIts = ({ options }: AdmitRequest): boolean => options?.["compact"] !== undefined;
  await expect.poll(() => stage.admitted.some(isIts)).toBe(true);
  const request = stage.admitted.find(isIts) as AdmitRequest;
  const runId = request.runId ?? "";
  await before(runId);
  await stage.finish(runId, text);
  return request;
}
