/**
 * Who a connecting client is and what it may do. The credential decides; what the client says of itself only narrows
 * it. The one place beside the HTTP guard where a Principal is made for somebody outside.
 */
import type { AppError } from "../../domain/app-error.ts";
import { mintPrincipal } from "../../domain/authority-mint.ts";
import type { Principal } from "../../domain/authority.ts";
import { coversScope, roles, scopes as allScopes, type Role, type Scope } from "../../domain/scopes.ts";
import type { Clock } from "../../platform/clock.ts";
import type { ConnectParams } from "../../protocol/methods/connect.ts";
import type { DeviceRow } from "../../store/device-port.ts";
import type { Peer } from "./client-address.ts";
import {
  credentialRefused,
  deviceRefused,
  deviceRequired,
  invalidRole,
  lockedOut,
  pairingRequired,
  type CredentialFault,
} from "./connect-refusal.ts";
import { deviceFault, type Challenge } from "./device-proof.ts";
import { knownScopes, matchesDeviceToken, type Devices, type IssuedToken } from "./devices.ts";
import type { FailureLimiter } from "./failure-limiter.ts";
import type { LoginCodes } from "./login-codes.ts";
import type { SharedSecret } from "./shared-secret.ts";

export interface ConnectAttempt {
  readonly params: ConnectParams;
  readonly challenge: Challenge;
  readonly peer: Peer;
}

/** What let the client in; a connection lives no longer than it. */
export type Credential = "shared" | "device-token" | "login-code" | "trusted-loopback";

/** A device keeps its own token when the shared secret changes; the other two were let in by what is no more. */
export function hangsOnSecret(credential: Credential): boolean {
  return credential === "shared" || credential === "trusted-loopback";
}

export interface Admitted {
  readonly principal: Principal;
  readonly credential: Credential;
  readonly deviceId: string | null;
  readonly issued: IssuedToken | null;
}

export interface ConnectAuth {
  /** Throws AppError (SEC_003, SEC_008, SEC_009, RPC_003) where the client is refused. */
  admit(attempt: ConnectAttempt): Promise<Admitted>;
}

export interface ConnectAuthDeps {
  readonly clock: Clock;
  readonly secret: SharedSecret;
  readonly devices: Devices;
  readonly codes: LoginCodes;
  readonly limiter: FailureLimiter;
  /** Whether loopback counts as a credential, and the peer is who it must be. */
  readonly trustsLoopback: (peer: Peer) => Promise<boolean>;
}

const operatorScopes: readonly Scope[] = allScopes.filter((scope) => scope !== "node");

export function createConnectAuth(deps: ConnectAuthDeps): ConnectAuth {
  return {
    async admit(attempt) {
      const { params } = attempt;
      checkLock(attempt, deps);
      const role = roleOf(params);
      checkDevice(attempt, role, deps);
      const row = params.device === undefined ? null : await deps.devices.get(params.device.id);
      // Asked again behind the wait: a thousand guesses at once must not all have passed before the first is counted.
      checkLock(attempt, deps);
      const secretBefore = deps.secret.fingerprint();
      const proven = await proveCredential({ attempt, row }, deps);
      const admitted = await grant({ attempt, row, role, proven }, deps);
      // Whoever is not in yet is not among those who are put out when the secret changes.
      if (hangsOnSecret(admitted.credential) && deps.secret.fingerprint() !== secretBefore)
        throw credentialRefused(deps.secret.mode() === "password" ? "password_mismatch" : "token_mismatch", false);
      return admitted;
    },
  };
}

function checkLock({ peer }: ConnectAttempt, deps: ConnectAuthDeps): void {
  const lockedMs = deps.limiter.lockedForMs(peer.address);
  if (lockedMs > 0) throw lockedOut(lockedMs);
}

function roleOf(params: ConnectParams): Role {
  const asked = params.role ?? "operator";
  const role = roles.find((known) => known === asked);
  if (role === undefined) throw invalidRole(asked);
  return role;
}

function checkDevice({ params, challenge, peer }: ConnectAttempt, role: Role, deps: ConnectAuthDeps): void {
  if (params.device === undefined) return;
  const fault = deviceFault(params.device, params, { challenge, role, nowMs: deps.clock.nowMs() });
  if (fault === null) return;
  deps.limiter.failed(peer.address);
  throw deviceRefused(fault);
}

type Proven =
  | { readonly by: "shared" | "trusted-loopback" }
  | { readonly by: "device-token"; readonly row: DeviceRow }
  | { readonly by: "login-code"; readonly scopes: readonly Scope[] };

interface Claim {
  readonly attempt: ConnectAttempt;
  readonly row: DeviceRow | null;
}

/** Finds the credential that holds. A wrong one counts against the address, a missing one does not. */
async function proveCredential(claim: Claim, deps: ConnectAuthDeps): Promise<Proven> {
  const { params, peer } = claim.attempt;
  const auth = params.auth ?? {};
  const passwordMode = deps.secret.mode() === "password";
  const shared = passwordMode ? (auth.password ?? auth.token) : auth.token;
  if (given(shared) && deps.secret.matches(shared)) return { by: "shared" };

  // Older clients send their device token as `token`; newer ones may send both when the first was refused.
  for (const token of [auth.deviceToken, auth.token]) {
    if (given(token) && claim.row !== null && matchesDeviceToken(claim.row, token)) {
      return { by: "device-token", row: claim.row };
    }
  }
  const onlyCode = !given(shared) && !given(auth.deviceToken);
  if (given(auth.bootstrapToken) && onlyCode) {
    // Without a device there is nothing to pair, and the code must not be used up.
    if (params.device === undefined) throw deviceRequired();
    const scopes = deps.codes.redeem(auth.bootstrapToken);
    if (scopes !== null) return { by: "login-code", scopes };
    deps.limiter.failed(peer.address);
    throw credentialRefused("bootstrap_token_invalid", false);
  }
  if (onlyCode && (await deps.trustsLoopback(peer))) return { by: "trusted-loopback" };

  if (!onlyCode) deps.limiter.failed(peer.address);
  throw refusal(claim, { passwordMode, shared: given(shared), deviceToken: given(auth.deviceToken) });
}

function given(text: string | undefined): text is string {
  return text !== undefined && text !== "";
}

function refusal(claim: Claim, sent: { passwordMode: boolean; shared: boolean; deviceToken: boolean }): AppError {
  if (claim.row !== null && claim.row.tokenHash === null && sent.deviceToken) return pairingRequired("revoked");
  const kind = sent.passwordMode ? "password" : "token";
  const fault: CredentialFault = sent.shared
    ? `${kind}_mismatch`
    : sent.deviceToken
      ? "device_token_mismatch"
      : `${kind}_missing`;
  const hasToken = claim.row !== null && claim.row.tokenHash !== null;
  return credentialRefused(fault, sent.shared && !sent.deviceToken && hasToken);
}

interface Grant extends Claim {
  readonly role: Role;
  readonly proven: Proven;
}

async function grant(asked: Grant, deps: ConnectAuthDeps): Promise<Admitted> {
  const { proven, row } = asked;
  if (proven.by === "device-token") return grantPaired(asked, proven.row, deps);
  if (asked.attempt.params.device === undefined) return grantWithoutDevice(asked);
  // A revoked device does not come back through the front door either; somebody has to remove it first.
  if (row !== null && row.tokenHash === null) throw pairingRequired("revoked");
  const ceiling = proven.by === "login-code" ? proven.scopes : operatorScopes;
  const scopes = grantedScopes(asked, ceiling);
  const isNew = row === null || proven.by === "login-code";
  if (isNew) return { ...(await pairDevice(asked, scopes, deps)), credential: proven.by };
  if (row.role === asked.role) await deps.devices.widen(row, scopes);
  deps.devices.seen(row);
  return {
    principal: devicePrincipal(row.deviceId, asked.role, scopes),
    credential: proven.by,
    deviceId: row.deviceId,
    issued: null,
  };
}

function grantPaired(asked: Grant, row: DeviceRow, deps: ConnectAuthDeps): Admitted {
  if (row.role !== asked.role) throw pairingRequired("role-upgrade");
  const requested = asked.attempt.params.scopes;
  const scopes = grantedScopes(asked, knownScopes(row.scopes));
  // It gets what it was paired with; where nothing of what it asks is in that, saying so beats an empty connection.
  if (scopes.length === 0 && requested !== undefined && requested.length > 0) throw pairingRequired("scope-upgrade");
  deps.devices.seen(row);
  const { deviceId } = row;
  return {
    principal: devicePrincipal(deviceId, asked.role, scopes),
    credential: "device-token",
    deviceId,
    issued: null,
  };
}

/** The owner's own tools on the owner's machine keep their scopes; everybody else without a device gets none. */
function grantWithoutDevice(asked: Grant): Admitted {
  const { client } = asked.attempt.params;
  const { peer } = asked.attempt;
  if (asked.role === "node") throw deviceRequired();
  const ownTool =
    (client.id === "cli" && client.mode === "cli") || (client.id === "gateway-client" && client.mode === "backend");
  const scopes = ownTool && peer.directLoopback && !peer.hasOrigin ? grantedScopes(asked, operatorScopes) : [];
  const principal = mintPrincipal({ kind: "token", id: "token:gateway", role: asked.role, scopes });
  return { principal, credential: asked.proven.by, deviceId: null, issued: null };
}

async function pairDevice(
  asked: Grant,
  scopes: readonly Scope[],
  deps: ConnectAuthDeps,
): Promise<Omit<Admitted, "credential">> {
  const { device, client } = asked.attempt.params;
  if (device === undefined) throw deviceRequired();
  const issued = await deps.devices.pair({
    deviceId: device.id,
    publicKey: device.publicKey,
    role: asked.role,
    scopes,
    displayName: client.displayName ?? null,
    platform: client.platform,
  });
  return { principal: devicePrincipal(device.id, asked.role, scopes), deviceId: device.id, issued };
}

/** What was asked for, as far as the ceiling covers it. Asking for nothing gives nothing. */
function grantedScopes({ role, attempt }: Grant, ceiling: readonly Scope[]): readonly Scope[] {
  if (role === "node") return ["node"];
  const requested = attempt.params.scopes ?? [];
  return operatorScopes.filter((scope) => requested.includes(scope) && coversScope(ceiling, scope));
}

function devicePrincipal(deviceId: string, role: Role, scopes: readonly Scope[]): Principal {
  return mintPrincipal({ kind: "device", id: `device:${deviceId}`, role, scopes: [...scopes] });
}
