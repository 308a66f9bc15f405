/**
 * A run as the events of the OpenResponses specification: each item is added, filled, closed; each event has the next
 * number; the last event is the response in its final state, and behind it stands `[DONE]`.
 */
import { AppError } from "../../../domain/app-error.ts";
import type { ToolCall } from "../../../domain/conversation.ts";
import type { EndedRun } from "../follow-run.ts";
import type { EventStream } from "../sse.ts";
import { callItem, messageItem, responseObject, textPart, type ResponseHead } from "./responses-object.ts";
import { callItems, idsOf, messageStatus } from "./responses-result.ts";

export class ResponsesStream {
  readonly #head: ResponseHead;
  readonly #stream: EventStream;
  #sequence = 0;
  #text = "";
  #hasMessage = false;

  constructor(head: ResponseHead, stream: EventStream) {
    this.#head = head;
    this.#stream = stream;
  }

  begin(): void {
    const response = responseObject(this.#head, { status: "in_progress", output: [] });
    this.#send("response.created", { response });
    this.#send("response.in_progress", { response });
  }

  text(delta: string): void {
    this.#openMessage();
    this.#text += delta;
    this.#send("response.output_text.delta", { ...this.#place(), delta, logprobs: [] });
  }

  /** Closes what is open. The final event is sent by `complete`, once the response is stored. */
  closeItems(run: EndedRun): void {
    if (run.toolCalls.length === 0) this.#openMessage();
    if (this.#hasMessage) this.#closeMessage(run);
    run.toolCalls.forEach((call, index) => this.#call(call, index));
  }

  complete(response: unknown, status: "completed" | "incomplete"): void {
    this.#send(`response.${status}`, { response });
    this.#stream.end();
  }

  fail(thrown: unknown): void {
    const { messageId } = idsOf(this.#head);
    const output = this.#hasMessage ? [messageItem(messageId, this.#text, "incomplete")] : [];
    const error = safeError(thrown);
    this.#send("response.failed", { response: responseObject(this.#head, { status: "failed", output, error }) });
    this.#stream.end();
  }

  #openMessage(): void {
    if (this.#hasMessage) return;
    this.#hasMessage = true;
    const { messageId } = idsOf(this.#head);
    this.#send("response.output_item.added", { output_index: 0, item: messageItem(messageId, null, "in_progress") });
    this.#send("response.content_part.added", { ...this.#place(), part: textPart("") });
  }

  #closeMessage(run: EndedRun): void {
    const { messageId } = idsOf(this.#head);
    this.#send("response.output_text.done", { ...this.#place(), text: this.#text, logprobs: [] });
    this.#send("response.content_part.done", { ...this.#place(), part: textPart(this.#text) });
    const item = messageItem(messageId, this.#text, messageStatus(run));
    this.#send("response.output_item.done", { output_index: 0, item });
  }

  #call(call: ToolCall, index: number): void {
    const outputIndex = index + (this.#hasMessage ? 1 : 0);
    const { itemId, written } = callItems(this.#head, call, index);
    const place = { item_id: itemId, output_index: outputIndex };
    const open = callItem(itemId, call, "", "in_progress");
    this.#send("response.output_item.added", { output_index: outputIndex, item: open });
    this.#send("response.function_call_arguments.delta", { ...place, delta: written });
    this.#send("response.function_call_arguments.done", { ...place, name: call.tool, arguments: written });
    const item = callItem(itemId, call, written, "completed");
    this.#send("response.output_item.done", { output_index: outputIndex, item });
  }

  #place(): { item_id: string; output_index: number; content_index: number } {
    return { item_id: idsOf(this.#head).messageId, output_index: 0, content_index: 0 };
  }

  #send(type: string, fields: Readonly<Record<string, unknown>>): void {
    this.#stream.send(type, { type, sequence_number: this.#sequence, ...fields });
    this.#sequence += 1;
  }
}

/** What nobody foresaw may hold a path or a key in its text. */
function safeError(thrown: unknown): AppError {
  const error = AppError.from(thrown);
  return error.code === "SYS_001" ? new AppError("SYS_001", "Something failed inside the gateway.") : error;
}
