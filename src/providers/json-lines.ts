/** A body of one JSON value per line, whatever the network cuts it into. A line that is no JSON is yielded as its text. */
import { AppError } from "../domain/app-error.ts";
import { parsedInput } from "./tool-input.ts";

/** Longest line that is waited for; a body without line ends would fill the memory. */
const maxLineChars = 8 * 1024 * 1024;

export async function* jsonLines(body: ReadableStream<Uint8Array>): AsyncGenerator<unknown> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    rest += done ? decoder.decode() : decoder.decode(value, { stream: true });
    const lines = rest.split("\n");
    rest = done ? "" : (lines.pop() ?? "");
    if (rest.length > maxLineChars)
      throw new AppError("MODEL_005", `A line of the answer is longer than ${maxLineChars} characters.`);
    for (const line of lines) if (line.trim() !== "") yield parsedInput(line);
    if (done) return;
  }
}
