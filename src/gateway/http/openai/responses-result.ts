/** What a finished run is in the terms of `/v1/responses`: items, status, and the words it adds to a conversation. */
import type { AssistantContent, ModelMessage, ToolCall } from "../../../domain/conversation.ts";
import type { EndedRun } from "../follow-run.ts";
import { callItem, messageItem, type ItemStatus, type ResponseHead, type ResponseState } from "./responses-object.ts";

/** Every id of a response follows from its own, so that a repeated request finds the same ones. */
export function idsOf({ id }: ResponseHead): { readonly messageId: string } {
  return { messageId: id.replace(/^resp_/, "msg_") };
}

export function callItems(head: ResponseHead, call: ToolCall, index: number): { itemId: string; written: string } {
  return { itemId: `${head.id.replace(/^resp_/, "fc_")}_${index}`, written: JSON.stringify(call.input ?? {}) };
}

export function messageStatus({ stopReason }: EndedRun): ItemStatus {
  return stopReason === "length" || stopReason === "content-filter" ? "incomplete" : "completed";
}

export function finalState(head: ResponseHead, run: EndedRun, completedAt: number): ResponseState {
  const isIncomplete = messageStatus(run) === "incomplete";
  const hasMessage = run.text !== "" || run.toolCalls.length === 0;
  const message = hasMessage ? [messageItem(idsOf(head).messageId, run.text, messageStatus(run))] : [];
  const calls = run.toolCalls.map((call, index) => {
    const { itemId, written } = callItems(head, call, index);
    return callItem(itemId, call, written, "completed");
  });
  return {
    status: isIncomplete ? "incomplete" : "completed",
    output: [...message, ...calls],
    usage: run.usage,
    stopReason: run.stopReason,
    // An incomplete response never was completed.
    ...(isIncomplete ? {} : { completedAt }),
  };
}

/** What the next response of the chain is told was said. */
export function answerOf(run: EndedRun): readonly ModelMessage[] {
  const content: readonly AssistantContent[] = [
    ...(run.text === "" ? [] : [{ type: "text", text: run.text } as const]),
    ...run.toolCalls.map(({ callId, tool, input }) => ({ type: "tool-call", callId, tool, input }) as const),
  ];
  return content.length === 0 ? [] : [{ role: "assistant", content }];
}
