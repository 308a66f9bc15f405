/**
 * A question about an act in a terminal: all of it, with what cannot be seen written out, and the answer of whoever sits
 * there. Decides nothing itself; the gateway counts the first answer, wherever it comes from.
 */
import { AppError } from "../domain/app-error.ts";
import { hasHidden, visibleText } from "../domain/visible-text.ts";
import type { ResultOf } from "../protocol/method.ts";
import type { approvalGet, approvalResolve } from "../protocol/methods/approvals.ts";
import type { CliContext } from "./contract.ts";
import type { GatewayClient } from "./gateway-client.ts";
import type { Output } from "./output.ts";
import { facts, momentOf, type Fact } from "./shown-rows.ts";

export type ShownApproval = ResultOf<typeof approvalGet>;
type Decision = "allow-once" | "allow-always" | "deny";

/** Everything that the consent is for; long ones too. */
export function questionText(view: ShownApproval, output: Output): string {
  const { id, kind, tool, shown, cwd, programs, reasons, taint, always, state, decidedBy, expiresMs } = view;
  const rows: Fact[] = [
    ["question", id],
    [kind === "exec" ? "runs" : "does", kind === "exec" ? visibleText(shown) : `${tool}: ${visibleText(shown)}`],
  ];
  if (hasHidden(shown)) rows.push(["beware", "it holds characters that cannot be seen; they are written as \\u{…}"]);
  if (cwd !== null) rows.push(["folder", visibleText(cwd)]);
  if (programs.length > 0) rows.push(["programs", programs.map(visibleText).join("\n")]);
  if (kind === "in-doubt") rows.push(["in doubt", "it may have been done already, just before the gateway stopped"]);
  if (reasons.length > 0) rows.push(["asked since", reasons.map(visibleText).join("\n")]);
  if (taint.length > 0) rows.push(["had read", taint.map(({ source }) => visibleText(source)).join("\n")]);
  rows.push(["always", always === null ? "cannot be allowed for good" : `would allow: ${visibleText(always)}`]);
  rows.push(["session", view.sessionKey]);
  if (state === "open") rows.push(["until", `${momentOf(expiresMs)} UTC; then it is a no`]);
  else rows.push(["state", decidedBy === null ? state : `${state} by ${decidedBy}`]);
  return facts(rows, output);
}

/** Takes a line from whoever sits there; rejects when the signal aborts. */
export type AskLine = (prompt: string, signal: AbortSignal) => Promise<string>;

export interface Questioner {
  asked(view: ShownApproval): void;
  /** Answered elsewhere, or its time is over: nobody is asked any more. */
  resolved(id: string, state: string, by: string | null): void;
  /** Nobody is asked any more; what is open stays so. */
  close(): void;
}

/** `askLine` null: there is nobody to ask here, so it is said how it can be answered. */
export function createQuestioner(
  client: Pick<GatewayClient, "call">,
  { output }: Pick<CliContext, "output">,
  askLine: AskLine | null,
): Questioner {
  const open = new Map<string, AbortController>();
  let last: Promise<void> = Promise.resolve();

  async function ask(view: ShownApproval, askIt: AskLine, gone: AbortSignal): Promise<void> {
    if (gone.aborted) return;
    output.note(questionText(view, output));
    const decision = await decisionOf(view, askIt, gone);
    if (decision === null) return;
    open.delete(view.id);
    output.note(
      outcomeText(await client.call<typeof approvalResolve>("exec.approval.resolve", { id: view.id, decision })),
    );
  }

  return {
    asked(view) {
      if (open.has(view.id)) return;
      const gone = new AbortController();
      open.set(view.id, gone);
      if (askLine === null) {
        output.note(`${questionText(view, output)}\n${howToAnswer(view)}`);
        return;
      }
      // One after the other: an answer is to the question that is on the screen.
      last = last
        .then(() => ask(view, askLine, gone.signal))
        .catch((thrown: unknown) => output.failure(AppError.from(thrown)));
    },
    resolved(id, state, by) {
      const gone = open.get(id);
      if (gone === undefined) return;
      open.delete(id);
      gone.abort();
      output.note(
        state === "expired" ? "Nobody answered in time: it is not done." : `It is ${state}, by ${by ?? "nobody"}.`,
      );
    },
    close() {
      for (const gone of open.values()) gone.abort();
      open.clear();
    },
  };
}

/** Null where it was answered elsewhere meanwhile. What is no answer is asked again; nothing is a yes by accident. */
async function decisionOf(view: ShownApproval, askLine: AskLine, gone: AbortSignal): Promise<Decision | null> {
  const ways = view.always === null ? "y = once, n = no" : "y = once, a = always, n = no";
  for (;;) {
    let line: string;
    try {
      line = await askLine(`Allow it? (${ways}) `, gone);
    } catch (thrown) {
      if (gone.aborted) return null;
      throw thrown;
    }
    switch (line.trim().toLowerCase()) {
      case "y":
      case "yes":
        return "allow-once";
      case "a":
      case "always":
        if (view.always !== null) return "allow-always";
        break;
      case "n":
      case "no":
        return "deny";
    }
  }
}

export function outcomeText({ outcome, state, decidedBy, always }: ResultOf<typeof approvalResolve>): string {
  if (outcome === "late") return `already decided: it is ${state}${decidedBy === null ? "" : `, by ${decidedBy}`}`;
  if (state === "denied") return "denied";
  if (always === "failed") return "allowed this once; that it is allowed from now on could not be written down";
  return always === "written" ? "allowed, from now on too" : "allowed, this once";
}

export function howToAnswer({ id, always }: Pick<ShownApproval, "id" | "always">): string {
  const more = always === null ? "" : " [--always]";
  return `Answer with: openclaw approvals allow ${id}${more}, or openclaw approvals deny ${id}`;
}
