/**
 * From an open socket to a client, or to a close with a reason. One frame is allowed, it must be `connect`, it must be
 * small and come in time; its form decides which dialect the connection speaks.
 */
import { AppError } from "../../domain/app-error.ts";
import { scopes as allScopes } from "../../domain/scopes.ts";
import { wireError } from "../../protocol/error-shape.ts";
import { isRecord, readableId, typedCodec, type Codec, type Request } from "../../protocol/frames.ts";
import { connectParamsSchema, type ConnectParams } from "../../protocol/methods/connect.ts";
import { invalidParams } from "../../protocol/param-faults.ts";
import { tutorialCodec } from "../../protocol/tutorial-codec.ts";
import { minProtocolVersion, negotiateProtocol, protocolVersion } from "../../protocol/version.ts";

export interface FirstFrame {
  readonly codec: Codec;
  readonly request: Request;
}

/** A refusal before the client is known: what it is told, if anything, and how the socket closes. */
export interface Refusal {
  readonly codec: Codec;
  readonly id: string;
  /** Null where nothing is answered. */
  readonly error: AppError | null;
  readonly closeCode: number;
  readonly closeReason: string;
}

export type FirstFrameVerdict =
  | { readonly ok: true; readonly frame: FirstFrame }
  | { readonly ok: false; readonly refusal: Refusal };

/** Pure. */
export function readFirstFrame(text: string): FirstFrameVerdict {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    // Not even JSON: whoever speaks here is no client, and an answer would be noise to it.
    return refused({ codec: typedCodec, id: "", error: null, closeCode: 1000, closeReason: "" });
  }
  const codec =
    isRecord(parsed) && parsed["type"] === undefined && parsed["method"] !== undefined ? tutorialCodec : typedCodec;
  const decoded = codec.decode(text);
  if (decoded.ok && decoded.request.method === "connect")
    return { ok: true, frame: { codec, request: decoded.request } };
  const id = decoded.ok ? decoded.request.id : readableId(isRecord(parsed) ? parsed["id"] : undefined);
  const message = "invalid handshake: first request must be connect";
  const error = new AppError("RPC_004", message);
  return refused({ codec, id, error, closeCode: 1008, closeReason: message });
}

/** Checks form and version. Throws AppError RPC_003 or RPC_005. */
export function readConnectParams(frame: FirstFrame): { params: ConnectParams; protocol: number } {
  const raw = frame.codec.dialect === "tutorial" ? withTutorialDefaults(frame.request.params) : frame.request.params;
  const parsed = connectParamsSchema.safeParse(raw ?? {});
  if (!parsed.success) throw invalidParams("connect", parsed.error);
  const { minProtocol, maxProtocol } = parsed.data;
  const protocol = negotiateProtocol(minProtocol, maxProtocol);
  if (protocol !== null) return { params: parsed.data, protocol };
  throw new AppError("RPC_005", "protocol mismatch", {
    details: {
      code: "PROTOCOL_MISMATCH",
      clientMinProtocol: minProtocol,
      clientMaxProtocol: maxProtocol,
      expectedProtocol: protocolVersion,
      minimumProbeProtocol: minProtocolVersion,
    },
  });
}

export function connectRefusal(frame: FirstFrame, error: AppError): Refusal {
  return {
    codec: frame.codec,
    id: frame.request.id,
    error,
    closeCode: error.code === "RPC_005" ? 1002 : error.code === "SYS_007" ? 1013 : 1008,
    closeReason: wireError(error).message,
  };
}

/** A client of the tutorial says little of itself; with the right token on the same machine it is the owner's own tool. */
function withTutorialDefaults(params: unknown): Record<string, unknown> {
  const given = isRecord(params) ? params : {};
  const { token, client, ...rest } = given;
  return {
    minProtocol: minProtocolVersion,
    maxProtocol: protocolVersion,
    scopes: allScopes.filter((scope) => scope !== "node"),
    ...(typeof token === "string" ? { auth: { token } } : {}),
    ...rest,
    client: {
      id: "gateway-client",
      mode: "backend",
      version: "unknown",
      platform: "unknown",
      ...(isRecord(client) ? client : {}),
    },
  };
}

function refused(refusal: Refusal): FirstFrameVerdict {
  return { ok: false, refusal };
}
