/**
 * Paired devices: who they are and what they were given. A device token is stored as a hash and is worth nothing
 * without the device's key. A device whose token was revoked stays known, so that it cannot simply pair again.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { AppError } from "../../domain/app-error.ts";
import { coversScope, scopes as allScopes, type Role, type Scope } from "../../domain/scopes.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Ids } from "../../platform/ids.ts";
import type { Log } from "../../platform/log.ts";
import type { DeviceRow, DeviceStore } from "../../store/device-port.ts";
import { pairingRequired } from "./connect-refusal.ts";

export interface NewDevice {
  readonly deviceId: string;
  readonly publicKey: string;
  readonly role: Role;
  readonly scopes: readonly Scope[];
  readonly displayName: string | null;
  readonly platform: string | null;
}

export interface IssuedToken {
  readonly token: string;
  readonly issuedAtMs: number;
}

export interface Devices {
  get(deviceId: string): Promise<DeviceRow | null>;
  list(): Promise<readonly DeviceRow[]>;
  /** Pairs it, or gives a known one a new token. Resolves when it is durable; throws SEC_009 for a revoked device. */
  pair(device: NewDevice): Promise<IssuedToken>;
  /** Adds what the owner's own credential asked for to what the device may. */
  widen(row: DeviceRow, scopes: readonly Scope[]): Promise<void>;
  /** A new token; the old one is refused from then on. Throws RPC_007 for an unknown, SEC_009 for a revoked device. */
  rotate(
    deviceId: string,
    role: string,
    narrowed: readonly Scope[] | null,
  ): Promise<IssuedToken & { scopes: readonly Scope[] }>;
  revoke(deviceId: string, role: string): Promise<number>;
  remove(deviceId: string): Promise<void>;
  /** Remembers when it was here; a failure to do so is only logged. */
  seen(row: DeviceRow): void;
}

export interface DevicesDeps {
  readonly store: DeviceStore;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
}

/** More precise than this, "last seen" is not worth a write for every connection. */
const seenResolutionMs = 60_000;

export function createDevices(deps: DevicesDeps): Devices {
  const { store, clock } = deps;
  const issue = (): IssuedToken => ({ token: `ocd_${deps.ids.token(32)}`, issuedAtMs: clock.nowMs() });
  // Changes follow one another, each on what the last one left: a note of "last seen" never brings an old token back.
  let last: Promise<unknown> = Promise.resolve();
  function inTurn<T>(change: () => Promise<T>): Promise<T> {
    const turn = last.then(change, change);
    last = turn.catch(() => undefined);
    return turn;
  }

  async function known(deviceId: string, role: string): Promise<DeviceRow> {
    const row = await store.get(deviceId);
    // Asking for a role the device does not have must not tell whether the device exists.
    if (row === null || row.role !== role) throw new AppError("RPC_007", "There is no such device in this role.");
    return row;
  }

  async function update(deviceId: string, change: (row: DeviceRow) => DeviceRow): Promise<void> {
    const row = await store.get(deviceId);
    if (row !== null) await store.put(change(row));
  }

  return {
    get: (deviceId) => store.get(deviceId),
    list: () => store.list(),
    pair: (device) =>
      inTurn(async () => {
        const issued = issue();
        const before = await store.get(device.deviceId);
        // It may have been revoked since the caller looked.
        if (before !== null && before.tokenHash === null) throw pairingRequired("revoked");
        const pairedMs = before?.pairedMs ?? issued.issuedAtMs;
        await store.put({ ...device, tokenHash: tokenHash(issued.token), pairedMs, lastSeenMs: issued.issuedAtMs });
        return issued;
      }),
    async widen(row, scopes) {
      const missing = scopes.filter((scope) => !coversScope(knownScopes(row.scopes), scope));
      if (missing.length === 0) return;
      await inTurn(() =>
        update(row.deviceId, (now) => ({ ...now, scopes: [...new Set([...now.scopes, ...missing])] })),
      );
    },
    rotate: (deviceId, role, narrowed) =>
      inTurn(async () => {
        const row = await known(deviceId, role);
        if (row.tokenHash === null) {
          throw new AppError("SEC_009", "The device was revoked; remove it before it can pair again.");
        }
        const had = knownScopes(row.scopes);
        const scopes = narrowed === null ? had : narrowed.filter((scope) => coversScope(had, scope));
        const issued = issue();
        await store.put({ ...row, scopes, tokenHash: tokenHash(issued.token) });
        return { ...issued, scopes };
      }),
    revoke: (deviceId, role) =>
      inTurn(async () => {
        const row = await known(deviceId, role);
        await store.put({ ...row, tokenHash: null });
        return clock.nowMs();
      }),
    remove: (deviceId) =>
      inTurn(async () => {
        if (!(await store.remove(deviceId))) throw new AppError("RPC_007", "There is no such device.");
      }),
    seen(row) {
      const nowMs = clock.nowMs();
      if (nowMs - row.lastSeenMs < seenResolutionMs) return;
      inTurn(() => update(row.deviceId, (now) => ({ ...now, lastSeenMs: nowMs }))).catch((error: unknown) => {
        deps.log.warn("When a device was last seen could not be noted.", { deviceId: row.deviceId, error });
      });
    },
  };
}

/** Constant-time; false for a revoked device. */
export function matchesDeviceToken(row: DeviceRow, token: string): boolean {
  if (row.tokenHash === null) return false;
  const expected = Buffer.from(row.tokenHash, "hex");
  const given = createHash("sha256").update(token).digest();
  return expected.length === given.length && timingSafeEqual(expected, given);
}

/** What a row says, without the scopes that this version does not know. */
export function knownScopes(names: readonly string[]): readonly Scope[] {
  return allScopes.filter((scope) => names.includes(scope));
}

function tokenHash(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}
