/**
 * The untyped dialect of the first tutorial: `{id, method, params}`, `{id, result | error}` and `{event, data}`.
 * A connection speaks it when its first frame has no `type`. It has no sequence numbers and no state versions.
 */
import { AppError } from "../domain/app-error.ts";
import type { WireError } from "./error-shape.ts";
import { parseObject, readableId, unreadableFrameId, type Codec, type Decoded, type OutgoingEvent } from "./frames.ts";

export const tutorialCodec: Codec = Object.freeze({
  dialect: "tutorial",
  decode: decodeTutorial,
  response: (id: string, payload: string) => `{"id":${JSON.stringify(id)},"result":${payload}}`,
  failure: (id: string, error: WireError) => `{"id":${JSON.stringify(id)},"error":${JSON.stringify(numbered(error))}}`,
  event: (event: OutgoingEvent) =>
    event.tutorialName === null ? null : `{"event":"${event.tutorialName}","data":${event.payload}}`,
});

/** In this dialect `code` is a number; the name of the error stands beside it. */
function numbered(error: WireError): Record<string, unknown> {
  const { code, message, details, ...rest } = error;
  return { code: details.number, reason: details.errorCode, message, wire: code, details, ...rest };
}

/** Besides requests, the dialect has frames `subscribe` and `unsubscribe`: they become the methods of that purpose. */
function decodeTutorial(text: string): Decoded {
  const frame = parseObject(text);
  if (frame instanceof AppError) return { ok: false, id: unreadableFrameId, error: frame };
  const id = readableId(frame["id"]);
  const { method } = frame;
  if (typeof frame["id"] === "string" && frame["id"] !== "" && typeof method === "string" && method !== "") {
    return { ok: true, request: { id, method: subscriptionMethod(method), params: frame["params"] } };
  }
  const missing = frame["method"] === undefined ? "method" : "id";
  return {
    ok: false,
    id,
    error: new AppError("RPC_001", `invalid request frame: '${missing}' must be a text that is not empty`),
  };
}

function subscriptionMethod(method: string): string {
  return method === "subscribe" || method === "unsubscribe" ? `sessions.${method}` : method;
}
