/**
 * Whether a device holds the key it names: Ed25519 over a line that binds key, client, role, scopes, time, credential
 * and our nonce. A wrong proof is a refusal, never "no device". Pure but for the cryptography.
 */
import { createHash, createPublicKey, verify, type KeyObject } from "node:crypto";
import type { ConnectParams, DeviceProof } from "../../protocol/methods/connect.ts";

export interface Challenge {
  readonly nonce: string;
  readonly ts: number;
}

export type DeviceFault =
  | "device-id-mismatch"
  | "device-nonce-mismatch"
  | "device-signature-stale"
  | "device-signature"
  | "device-public-key";

/** How far the signed time may be from ours. The nonce already binds the proof to one connection. */
const maxSkewMs = 2 * 60_000;

/** Null where the proof is good. `role` is the one the connection will have. */
export function deviceFault(
  proof: DeviceProof,
  params: ConnectParams,
  expected: { readonly challenge: Challenge; readonly role: string; readonly nowMs: number },
): DeviceFault | null {
  const raw = decodeKey(proof.publicKey);
  if (raw === null) return "device-public-key";
  if (deviceIdOf(raw) !== proof.id) return "device-id-mismatch";
  if (proof.nonce !== expected.challenge.nonce) return "device-nonce-mismatch";
  const fresh = proof.signedAt === expected.challenge.ts || Math.abs(proof.signedAt - expected.nowMs) <= maxSkewMs;
  if (!fresh) return "device-signature-stale";
  const key = publicKeyOf(raw);
  if (key === null) return "device-public-key";
  const signature = Buffer.from(proof.signature, "base64url");
  if (signature.length !== 64) return "device-signature";
  const lines = signedLines(proof, params, expected.role);
  return lines.some((line) => verify(null, Buffer.from(line), key, signature)) ? null : "device-signature";
}

export function deviceIdOf(rawKey: Uint8Array): string {
  return createHash("sha256").update(rawKey).digest("hex");
}

/** Version 3 binds platform and device family too, as the clients normalise them; version 2 is what older ones sign. */
export function signedLines(
  proof: DeviceProof,
  params: ConnectParams,
  role: string,
): readonly [v3: string, v2: string] {
  const { client, auth } = params;
  const credential = given(auth?.token) ?? given(auth?.deviceToken) ?? given(auth?.bootstrapToken) ?? "";
  const scopes = (params.scopes ?? []).join(",");
  const common = [proof.id, client.id, client.mode, role, scopes, String(proof.signedAt), credential, proof.nonce].join(
    "|",
  );
  return [`v3|${common}|${normalised(client.platform)}|${normalised(client.deviceFamily)}`, `v2|${common}`];
}

function given(text: string | undefined): string | undefined {
  return text === undefined || text === "" ? undefined : text;
}

/** ASCII letters alone are lowered: a Turkish dotless i must not change what was signed. */
function normalised(text: string | undefined): string {
  return (text ?? "").trim().replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function decodeKey(publicKey: string): Buffer | null {
  const raw = Buffer.from(publicKey, "base64url");
  return raw.length === 32 ? raw : null;
}

function publicKeyOf(raw: Buffer): KeyObject | null {
  try {
    return createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: raw.toString("base64url") }, format: "jwk" });
  } catch {
    // Thirty-two bytes that are no point of the curve: told to the client as a bad key.
    return null;
  }
}
