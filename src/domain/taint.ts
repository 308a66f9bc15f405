/**
 * Where words came from that no admitted person typed. It follows them: through the results of tools, the transcript and
 * a summary, to every decision that is made while they are in the context.
 */

/**
 * `foreign`: from somebody or somewhere else (a page, a mail, another person, another server, a command that may have asked
 * one). `local`: from the files of the workspace and the output of commands that work there.
 */
export type TaintClass = "foreign" | "local";

export interface Taint {
  readonly class: TaintClass;
  /** For people, short: `web page https://example.org/a`, `file notes.md`, `mail from a@example.org`. One line, no control characters. */
  readonly source: string;
}

/** Adds to a list what is not in it; the same array where nothing is new. */
export function withTaint(known: readonly Taint[], added: readonly Taint[]): readonly Taint[] {
  const fresh = added.filter(
    (taint, index) =>
      !known.some((other) => isSame(other, taint)) && added.findIndex((other) => isSame(other, taint)) === index,
  );
  return fresh.length === 0 ? known : [...known, ...fresh];
}

function isSame(left: Taint, right: Taint): boolean {
  return left.class === right.class && left.source === right.source;
}
