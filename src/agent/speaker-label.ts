/** How a speaker is named in front of what was said in a group. */
import { neutralised } from "../domain/external.ts";
import { truncateBytes } from "../domain/text.ts";

const labelBytes = 64;

/**
 * A name is its owner's to choose: one line, and short, so that it cannot pass for anything but a name. Neither for two
 * (`Ann: yes. Bob`), nor for one that a model obeys (`System`).
 */
export function speakerLabel(name: string): string {
  const line = neutralised(name, "foreign")
    .replaceAll(/\s+/g, " ")
    .replaceAll(/:(?= |$)/g, "")
    .trim();
  const label = truncateBytes(line === "" ? "somebody" : line, labelBytes);
  return neutralised(`${label}:`, "foreign").slice(0, -1);
}
