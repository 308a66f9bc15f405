/**
 * The one secret that opens everything: token or password, as the configuration says now. Asked anew for each
 * credential, so that a changed secret counts from the next request on. Compares in constant time.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import type { ConfigAccess } from "../../config/contract.ts";
import { AppError } from "../../domain/app-error.ts";
import type { Ids } from "../../platform/ids.ts";
import { secretFault } from "./secret-fault.ts";
import { ensureTokenFile } from "./token-file.ts";

export type AuthMode = "token" | "password" | "none";

export interface SharedSecret {
  /** Makes or reads the token file where no token is configured. Throws CFG_004 on an unusable secret. */
  load(): Promise<void>;
  mode(): AuthMode;
  /** False for every candidate where there is no usable secret: nothing configured never means open. */
  matches(candidate: string): boolean;
  /** Changes whenever what is accepted changes. Says nothing about the secret. */
  fingerprint(): string;
}

export interface SharedSecretDeps {
  readonly config: ConfigAccess;
  readonly stateDir: string;
  readonly ids: Ids;
}

export function createSharedSecret(deps: SharedSecretDeps): SharedSecret {
  // Comparing digests under a key of this process makes lengths equal and timing worthless.
  const key = deps.ids.token(32);
  const digest = (text: string): Buffer => createHmac("sha256", key).update(text).digest();
  let fileToken: string | undefined;

  const settings = () => deps.config.current().config.gateway.auth;
  const secret = (): string | undefined => {
    const { mode, token, password } = settings();
    if (mode === "none") return undefined;
    return mode === "password" ? password : (token ?? fileToken);
  };

  return {
    async load() {
      const { mode, token } = settings();
      if (mode === "token" && token === undefined) fileToken = await ensureTokenFile(deps.stateDir, deps.ids);
      const fault = mode === "none" ? null : secretFault(secret());
      if (fault !== null) {
        throw new AppError("CFG_004", `gateway.auth.${mode} ${fault}; the gateway does not start with it.`);
      }
    },
    mode: () => settings().mode,
    matches(candidate) {
      const expected = secret();
      if (expected === undefined || secretFault(expected) !== null) return false;
      return timingSafeEqual(digest(candidate), digest(expected));
    },
    fingerprint: () => {
      const { mode, trustLoopback } = settings();
      return `${mode}:${String(trustLoopback)}:${digest(secret() ?? "").toString("base64url")}`;
    },
  };
}
