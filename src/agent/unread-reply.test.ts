import { describe, expect, it } from "vitest";
import { deliveryMarkBody, type DeliveryMark } from "../domain/delivery-mark.ts";
import type { TranscriptDraft } from "../store/session-port.ts";
import { conversationOf } from "./context/talk.ts";

function said(runId: string, text: string): TranscriptDraft {
  const message = { role: "assistant", content: [{ type: "text", text }] };
  return { id: "0", type: "message", atMs: 0, body: { runId, message } };
}

function asked(text: string): TranscriptDraft {
  return { id: "0", type: "message", atMs: 0, body: { message: { role: "user", content: [{ type: "text", text }] } } };
}

function marked(runId: string, state: DeliveryMark["state"], piecesSeen = 0): TranscriptDraft {
  const mark: DeliveryMark = { partId: `part of ${runId}`, runId, state, piecesSeen, code: null };
  return { id: "0", type: "custom", atMs: 0, body: deliveryMarkBody(mark) };
}

/** What the model reads of it, a line for each message. */
function read(entries: readonly TranscriptDraft[]): string[] {
  return conversationOf(entries).map((message) =>
    message.role === "tool" ? "" : message.content.map((part) => (part.type === "text" ? part.text : "")).join(""),
  );
}

describe("a reply that nobody has read", () => {
  it("N3: is marked where it was said, also when more was said before that was known", () => {
    const entries = [asked("one?"), said("r1", "One."), asked("two?"), said("r2", "Two."), marked("r1", "failed")];
    const [, one, , two] = read(entries);
    expect(one).toBe("One.\n\n[This reply, or the rest of it, did not reach the chat.]");
    expect(two).toBe("Two.");
  });

  it("N2, N3: of one that was seen in part the model reads that too", () => {
    expect(read([said("r1", "One."), marked("r1", "failed", 2)])[0]).toContain(
      "Not all of this reply reached the chat.",
    );
    expect(read([said("r1", "One."), marked("r1", "expired")])[0]).toContain("did not reach the chat");
  });

  it("N3: is read once it has arrived after all", () => {
    expect(read([said("r1", "One."), marked("r1", "failed"), marked("r1", "sent", 1)])).toEqual(["One."]);
  });

  it("other entries of the kind change nothing", () => {
    const foreign: TranscriptDraft = {
      id: "0",
      type: "custom",
      atMs: 0,
      body: { customType: "delivery", data: { a: 1 } },
    };
    expect(read([said("r1", "One."), foreign, marked("r9", "failed")])).toEqual(["One."]);
  });
});
