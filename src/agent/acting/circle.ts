/**
 * Notices when a turn goes in a circle: the same call with the same outcome again and again, or the same refused thing by
 * one tool after another. Made anew from the rows of the turn, so that a restart forgets nothing.
 */
import { AppError } from "../../domain/app-error.ts";
import type { Act } from "../../domain/act.ts";
import type { ToolCall } from "../../domain/conversation.ts";
import { limits } from "../../domain/limits.ts";

export class Circle {
  readonly #rule: { readonly enabled: boolean; readonly maxRepeats: number };
  #last = "";
  #repeats = 0;
  readonly #refusals = new Map<string, number>();

  constructor(rule: { readonly enabled: boolean; readonly maxRepeats: number }) {
    this.#rule = rule;
  }

  /** `digest`: of what it gave. */
  ran({ tool, input }: ToolCall, digest: string): void {
    const said = JSON.stringify([tool, input, digest]);
    this.#repeats = said === this.#last ? this.#repeats + 1 : 1;
    this.#last = said;
  }

  refused(targets: readonly string[]): void {
    for (const target of targets) this.#refusals.set(target, (this.#refusals.get(target) ?? 0) + 1);
  }

  /** Null while it goes on; RUN_005 with words for the person where it has to end. */
  trouble(): AppError | null {
    if (this.#rule.enabled && this.#repeats >= this.#rule.maxRepeats) {
      return new AppError(
        "RUN_005",
        `I made the same call ${this.#repeats} times and always got the same answer, so I stopped. Tell me what to do differently.`,
      );
    }
    const stuck = [...this.#refusals].find(([, count]) => count >= limits.sameRefusals);
    if (stuck === undefined) return null;
    return new AppError(
      "RUN_005",
      `I was refused ${shown(stuck[0])} ${stuck[1]} times, by one way and another, so I stopped trying. If I should have it, allow it and ask me again.`,
      { details: { target: stuck[0] } },
    );
  }
}

function shown(target: string): string {
  const text = target.replaceAll(/\s+/g, " ");
  return JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}…` : text);
}

/** What an act is about, so that the same thing is known again when another tool asks for it. */
export function targetsOf(act: Act): readonly string[] {
  switch (act.kind) {
    case "file":
      return [act.path];
    case "fetch":
      return [hostOf(act.url)];
    case "message":
      return [`${act.to.channel}:${act.to.chatId}`];
    case "session":
      return [act.sessionKey];
    case "server":
      return [`${act.server}/${act.tool}`];
    case "command":
      return [...new Set([act.text.trim(), ...act.text.split(/[\s"'`;|&<>()=]+/).flatMap(placesIn)])];
    case "look":
    case "memory":
      return [];
  }
}

/** Words of a command that name a file or a host. */
function placesIn(word: string): readonly string[] {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(word)) return [hostOf(word)];
  return word.startsWith("/") && word.length > 1 ? [word.replace(/(.)\/+$/, "$1")] : [];
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).hostname : url;
}
