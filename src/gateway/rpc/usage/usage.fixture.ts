/** A call of another installation, for tests of its import. */
import type { ImportedCall } from "../../../protocol/methods/usage.ts";

export const someCall: ImportedCall = Object.freeze({
  id: "abc",
  atMs: Date.UTC(2026, 10, 20, 11),
  sessionKey: "agent:main:imported",
  agentId: "main",
  channel: "import",
  senderId: "",
  provider: "openai",
  model: "gpt-x",
  usage: { input: 5, output: 5, cacheRead: 0, cacheWrite: 0 },
  costMicros: 7,
  costs: null,
  estimated: false,
});
