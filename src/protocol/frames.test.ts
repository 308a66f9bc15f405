import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { validateRequestFrame } from "@openclaw/gateway-protocol";
import { AppError } from "../domain/app-error.ts";
import { limits } from "../domain/limits.ts";
import { wireError } from "./error-shape.ts";
import { eventFrameSchema, requestFrameSchema, responseFrameSchema, typedCodec, unreadableFrameId } from "./frames.ts";
import { tutorialCodec } from "./tutorial-codec.ts";

const event = { name: "tick", payload: '{"ts":1}', tutorialName: null };

describe("the typed codec", () => {
  it("reads what the schema accepts, and nothing else", () => {
    const maybe = fc.option(fc.oneof(fc.string(), fc.integer(), fc.constant(null), fc.constant("")), {
      nil: undefined,
    });
    const frame = fc.record({
      type: fc.oneof(fc.constant("req"), maybe),
      id: maybe,
      method: maybe,
      params: fc.json(),
      extra: maybe,
    });
    fc.assert(
      fc.property(frame, (candidate) => {
        const text = JSON.stringify(candidate);
        const decoded = typedCodec.decode(text);
        expect(decoded.ok).toBe(requestFrameSchema.safeParse(JSON.parse(text)).success);
        // What is written back is never without an id.
        const id = decoded.ok ? decoded.request.id : decoded.id;
        expect(id.length).toBeGreaterThan(0);
      }),
      { numRuns: 2_000 },
    );
  });

  it("agrees with the published schema about requests", () => {
    for (const frame of [
      { type: "req", id: "1", method: "health" },
      { type: "req", id: "1", method: "health", params: { a: 1 } },
      { type: "req", id: "1", method: "health", traceparent: "00-1" },
      { type: "req", id: "", method: "health" },
      { type: "res", id: "1", ok: true },
      { type: "req", id: "1", method: "health", extra: 1 },
      { type: "req", id: 1, method: "health" },
      { id: "1", method: "health" },
    ]) {
      expect(typedCodec.decode(JSON.stringify(frame)).ok, JSON.stringify(frame)).toBe(validateRequestFrame(frame));
    }
  });

  it("names what is wrong in the words of the protocol", () => {
    const fault = (frame: unknown): string => {
      const decoded = typedCodec.decode(typeof frame === "string" ? frame : JSON.stringify(frame));
      return decoded.ok ? "" : `${decoded.id}: ${decoded.error.message}`;
    };
    expect(fault({ id: "7", method: "x" })).toBe("7: invalid request frame: must have required property 'type'");
    expect(fault({ type: "req", id: "7" })).toBe("7: invalid request frame: must have required property 'method'");
    expect(fault({ type: "req", method: "x" })).toBe(
      `${unreadableFrameId}: invalid request frame: must have required property 'id'`,
    );
    expect(fault("{")).toBe(`${unreadableFrameId}: invalid request frame: not valid JSON`);
    expect(fault("[]")).toBe(`${unreadableFrameId}: invalid request frame: must be object`);
  });

  it("R106: refuses what is nested deeper than its limit before it is parsed, whatever brackets stand in strings", () => {
    const nested = (levels: number): string =>
      `{"type":"req","id":"1","method":"x","params":${"[".repeat(levels)}"${'[\\\\\\"{'.repeat(99)}"${"]".repeat(levels)}}`;
    expect(typedCodec.decode(nested(limits.jsonDepth - 1)).ok).toBe(true);
    for (const text of [nested(limits.jsonDepth), nested(1_000_000), "[".repeat(1_000_000)]) {
      const decoded = typedCodec.decode(text);
      expect(decoded.ok ? "" : decoded.error.message).toBe("invalid request frame: nested deeper than 64 levels");
    }
  });

  it("stitches frames that its own schemas accept, whatever is in the id", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: "binary" }), fc.jsonValue(), (id, payload) => {
        const response: unknown = JSON.parse(typedCodec.response(id, JSON.stringify(payload)));
        expect(responseFrameSchema.parse(response)).toMatchObject({ id, ok: true });
        const failure: unknown = JSON.parse(
          typedCodec.failure(id, wireError(new AppError("RPC_002", "unknown method: x"))),
        );
        expect(responseFrameSchema.parse(failure)).toMatchObject({ id, ok: false, error: { code: "INVALID_REQUEST" } });
      }),
    );
    const told = typedCodec.event({ ...event, stateVersion: '{"presence":1,"health":2}' }, 9);
    expect(eventFrameSchema.parse(JSON.parse(told ?? ""))).toMatchObject({
      seq: 9,
      stateVersion: { presence: 1, health: 2 },
    });
  });
});

describe("the tutorial's codec", () => {
  it("reads untyped requests and the frames of subscription", () => {
    expect(tutorialCodec.decode('{"id":"1","method":"status","params":{}}')).toMatchObject({ ok: true });
    expect(tutorialCodec.decode('{"id":"2","method":"subscribe","params":{"sessionKey":"main"}}')).toMatchObject({
      ok: true,
      request: { method: "sessions.subscribe" },
    });
    for (const bad of ["", "{", "null", "[]", '{"method":"x"}', '{"id":1,"method":"x"}', '{"id":"3"}']) {
      expect(tutorialCodec.decode(bad).ok, bad).toBe(false);
    }
  });

  it("answers with a number and with the name of the error", () => {
    const answer: unknown = JSON.parse(
      tutorialCodec.failure("1", wireError(new AppError("RPC_002", "unknown method: x"))),
    );
    expect(answer).toEqual({
      id: "1",
      error: {
        code: 7002,
        reason: "RPC_002",
        message: "unknown method: x",
        wire: "INVALID_REQUEST",
        details: { errorCode: "RPC_002", number: 7002 },
      },
    });
    expect(tutorialCodec.event({ ...event, tutorialName: "agent.message" }, 3)).toBe(
      '{"event":"agent.message","data":{"ts":1}}',
    );
    expect(tutorialCodec.event(event, 3)).toBeNull();
  });
});
