/** How a speaker is named in front of what was said in a group. */
import { cleanText, truncateBytes } from "../domain/text.ts";

const labelBytes = 64;

/** A name is its owner's to choose: one line, and short, so that it cannot pass for anything but a name. */
export function speakerLabel(name: string): string {
  return truncateBytes(cleanText(name).replaceAll(/\s+/g, " "), labelBytes);
}
