import { PassThrough } from "node:stream";
import { expect, it, onTestFinished } from "vitest";
import { lineAsker } from "./line-asker.ts";

function terminal(): PassThrough & { isTTY?: boolean } {
  return Object.assign(new PassThrough(), { isTTY: true });
}

it("P14: Ctrl-C at a question stops the command, and is no answer", async () => {
  const stdin = terminal();
  const stop = new AbortController();
  const onSignal = (): void => stop.abort(new Error("stopped"));
  process.once("SIGINT", onSignal);
  onTestFinished(() => void process.removeListener("SIGINT", onSignal));
  const answer = lineAsker({ stdin })?.("Allow it? ", stop.signal);
  stdin.write("\u0003");
  await expect(answer).rejects.toMatchObject({ name: "AbortError", cause: { message: "stopped" } });
});

it("P14: a line is an answer, and where nobody sits there is nobody to ask", async () => {
  const stdin = terminal();
  const answer = lineAsker({ stdin })?.("Allow it? ", new AbortController().signal);
  stdin.write("y\n");
  expect(await answer).toBe("y");
  expect(lineAsker({ stdin: new PassThrough() })).toBeNull();
});
