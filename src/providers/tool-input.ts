/** Between the JSON text of a tool call and its value, where models write what is not quite JSON. */
import { record } from "./failure.ts";

/** The value; the text itself where it is no JSON, so that whoever runs the tool can tell the model. */
export function parsedInput(text: string): unknown {
  if (text.trim() === "") return {};
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return text;
    throw error;
  }
}

/** What goes back to a provider in the history: three of the protocols refuse anything but an object. */
export function objectInput(input: unknown): Readonly<Record<string, unknown>> {
  return record(input) ?? (input === undefined || input === null ? {} : { unreadable: input });
}
