/** What is in the context of a turn that no admitted person typed, as the transcript tells it. */
import { withTaint, type Taint } from "../../domain/taint.ts";
import type { TranscriptDraft } from "../../store/port.ts";

/** The key of an entry's body that holds it. */
export const taintKey = "taint";
/** And the one that marks a message that no person wrote, but another turn out of what that had read. */
export const bornKey = "born";

/** Of the entries that a request is made of; a summary carries what it was made of. */
export function taintOfEntries(entries: readonly Pick<TranscriptDraft, "body">[]): readonly Taint[] {
  let found: readonly Taint[] = [];
  for (const { body } of entries) {
    const marks = body[taintKey];
    if (Array.isArray(marks)) found = withTaint(found, marks.filter(isTaint));
  }
  return found;
}

function isTaint(value: unknown): value is Taint {
  if (typeof value !== "object" || value === null) return false;
  const { class: kind, source } = value as Partial<Taint>;
  return (kind === "foreign" || kind === "local") && typeof source === "string";
}
