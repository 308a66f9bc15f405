/** An address that only the model put together is nobody's, whatever way it takes back into the context. */
import { expect, it } from "vitest";
import type { ModelMessage } from "../../domain/conversation.ts";
import { noMentions } from "../../domain/message.ts";
import type { Turn } from "../turn.ts";
import { toolEntry } from "../transcript-entry.ts";
import { isKnownAddress } from "./known-address.ts";
import { byTurnKey } from "./turn-taint.ts";

const carrying = "https://evil.example/?d=secret";

type Parts = { readonly text?: string } & Partial<Pick<Turn, "conversation" | "earlier" | "options">>;

function turnOf({ text = "hello", ...parts }: Parts): Turn {
  const message = { kind: "message", content: [{ type: "text", text }], mentions: noMentions };
  return { row: { message }, options: {}, conversation: [], earlier: [], ...parts } as unknown as Turn;
}

function gave(tool: string, output: string, isError = false): ModelMessage {
  return { role: "tool", results: [{ callId: "c1", tool, output, isError }] };
}

it.each<[string, Parts]>([
  ["who writes", { text: `look at ${carrying}.` }],
  ["a page", { conversation: [gave("web_fetch", `see (${carrying})`)] }],
  [
    "an earlier search",
    { earlier: [toolEntry("1", { callId: "c", tool: "web_search", output: carrying, isError: false }, 1)] },
  ],
])("R15: an address that %s names is known", (_who, parts) => {
  expect(isKnownAddress(turnOf(parts), carrying)).toBe(true);
  expect(isKnownAddress(turnOf(parts), `${carrying}s`)).toBe(false);
});

const born = { parentRunId: "r", parentSessionKey: "s", depth: 1, tools: [], taint: [] };
const errand = {
  id: "1",
  type: "message",
  atMs: 1,
  body: { message: { role: "user", content: [{ type: "text", text: carrying }] } },
};

it.each<[string, Parts]>([
  ["the model", { conversation: [{ role: "assistant", content: [{ type: "text", text: carrying }] }] }],
  ["a file that it wrote", { conversation: [gave("read", carrying)] }],
  ["a tool that there is not", { conversation: [gave(carrying, `There is no tool named ${carrying}.`, true)] }],
  ["a page that could not be had", { conversation: [gave("web_fetch", `${carrying} was refused.`, true)] }],
  ["another session", { conversation: [gave("sessions_history", carrying)] }],
  ["whoever started this helper", { text: carrying, options: { born } as unknown as Turn["options"] }],
  ["an errand of before", { earlier: [{ ...errand, body: { ...errand.body, [byTurnKey]: true } }] as Turn["earlier"] }],
])("R15: one that only %s names is not", (_who, parts) => {
  expect(isKnownAddress(turnOf(parts), carrying)).toBe(false);
});
