/** Why a connect was refused, in the words and detail codes that clients of the protocol act on. Pure. */
import { AppError } from "../../domain/app-error.ts";
import type { DeviceFault } from "./device-proof.ts";

export type CredentialFault =
  | "token_missing"
  | "token_mismatch"
  | "password_missing"
  | "password_mismatch"
  | "device_token_mismatch"
  | "bootstrap_token_invalid";

const credentialRows: Readonly<Record<CredentialFault, readonly [detail: string, message: string]>> = {
  token_missing: ["AUTH_TOKEN_MISSING", "gateway token missing"],
  token_mismatch: ["AUTH_TOKEN_MISMATCH", "gateway token mismatch"],
  password_missing: ["AUTH_PASSWORD_MISSING", "gateway password missing"],
  password_mismatch: ["AUTH_PASSWORD_MISMATCH", "gateway password mismatch"],
  device_token_mismatch: ["AUTH_DEVICE_TOKEN_MISMATCH", "device token mismatch"],
  bootstrap_token_invalid: ["AUTH_BOOTSTRAP_TOKEN_INVALID", "login code unknown, used or expired"],
};

export function credentialRefused(fault: CredentialFault, canRetryWithDeviceToken: boolean): AppError {
  const [code, text] = credentialRows[fault];
  return new AppError("SEC_003", `unauthorized: ${text} (${remedies[fault]})`, {
    details: {
      code,
      authReason: fault,
      canRetryWithDeviceToken,
      recommendedNextStep: canRetryWithDeviceToken ? "retry_with_device_token" : "update_auth_credentials",
    },
  });
}

/** What a person can do about it; the loops that people report begin where nobody says. */
const remedies: Readonly<Record<CredentialFault, string>> = {
  token_missing: "send the token of the gateway.token file or of gateway.auth.token",
  token_mismatch: "use the token of the gateway.token file or of gateway.auth.token",
  password_missing: "send gateway.auth.password",
  password_mismatch: "use gateway.auth.password",
  device_token_mismatch: "connect once with the gateway's token to pair again",
  bootstrap_token_invalid: "ask the gateway for a new login link",
};

export function lockedOut(retryAfterMs: number): AppError {
  return new AppError("SEC_008", "unauthorized: too many failed authentication attempts (retry later)", {
    retryAfterMs,
    details: {
      code: "AUTH_RATE_LIMITED",
      authReason: "rate_limited",
      canRetryWithDeviceToken: false,
      recommendedNextStep: "wait_then_retry",
    },
  });
}

const deviceRows: Readonly<Record<DeviceFault, readonly [detail: string, message: string]>> = {
  "device-id-mismatch": ["DEVICE_AUTH_DEVICE_ID_MISMATCH", "device identity mismatch"],
  "device-nonce-mismatch": ["DEVICE_AUTH_NONCE_MISMATCH", "device nonce mismatch"],
  "device-signature-stale": ["DEVICE_AUTH_SIGNATURE_EXPIRED", "device signature expired"],
  "device-signature": ["DEVICE_AUTH_SIGNATURE_INVALID", "device signature invalid"],
  "device-public-key": ["DEVICE_AUTH_PUBLIC_KEY_INVALID", "device public key invalid"],
};

export function deviceRefused(fault: DeviceFault): AppError {
  const [code, message] = deviceRows[fault];
  return new AppError("SEC_003", message, { details: { code, reason: fault } });
}

export function deviceRequired(): AppError {
  return new AppError("SEC_009", "device identity required", { details: { code: "DEVICE_IDENTITY_REQUIRED" } });
}

export function pairingRequired(reason: "not-paired" | "role-upgrade" | "scope-upgrade" | "revoked"): AppError {
  const hint =
    reason === "revoked"
      ? "The device was revoked: remove it on the gateway, then connect with the gateway's token."
      : "Connect once with the gateway's token, which pairs the device for what it asks.";
  // Clients know three reasons; a revoked device is one that is not paired.
  const known = reason === "revoked" ? "not-paired" : reason;
  return new AppError("SEC_009", "pairing required", {
    details: { code: "PAIRING_REQUIRED", reason: known, remediationHint: hint },
  });
}

export function invalidRole(role: string): AppError {
  return new AppError("RPC_003", "invalid role", { details: { role: role.slice(0, 64) } });
}
