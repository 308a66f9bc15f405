/**
 * A model that does what is written to it: `run: COMMAND` asks for that command, `tool: NAME {…}` for that tool, one call
 * after the other; `together` asks for all of them in one answer. Behind them it repeats what the tools said.
 */
import type { Reply, SeenRequest } from "../../../src/drill/model-emulator/script.ts";

interface WireMessage {
  readonly role: string;
  readonly content?: string | readonly { readonly text?: string }[] | null;
}

interface WrittenCall {
  readonly name: string;
  readonly input: unknown;
}

/** What its newest message asked for, and how many results there are behind it: a finished call of a model is paid once. */
export interface Place {
  readonly text: string;
  readonly results: readonly string[];
}

export function placeOf({ body }: SeenRequest): Place {
  const messages = body["messages"] as readonly WireMessage[];
  const asked = messages.findLastIndex(({ role }) => role === "user");
  const results = messages.slice(asked + 1).filter(({ role }) => role === "tool");
  return { text: contentOf(messages[asked]), results: results.map(contentOf) };
}

export function scriptedReply(request: SeenRequest): Reply {
  const { text, results } = placeOf(request);
  const calls = callsIn(text);
  const next = calls[results.length];
  if (next === undefined)
    return { text: results.length === 0 ? "Nothing to do." : `I saw:\n${results.join("\n---\n")}` };
  return { toolCalls: /^together$/m.test(text) ? calls.slice(results.length) : [next] };
}

function callsIn(text: string): readonly WrittenCall[] {
  if (text.includes("list my files")) {
    return [
      { name: "exec", input: { command: "ls -la" } },
      { name: "read", input: { path: "README.md" } },
    ];
  }
  return [...text.matchAll(/^(run|tool): (.*)$/gm)].map(([, kind, words = ""]) => {
    if (kind === "run") return { name: "exec", input: { command: words } };
    const [, name = "", input = "{}"] = /^(\S+) ?(.*)$/.exec(words) ?? [];
    return { name, input: JSON.parse(input === "" ? "{}" : input) as unknown };
  });
}

function contentOf(message: WireMessage | undefined): string {
  const content = message?.content ?? "";
  return typeof content === "string" ? content : content.map(({ text = "" }) => text).join("\n");
}
