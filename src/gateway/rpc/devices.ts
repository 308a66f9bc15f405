/** Handlers of paired devices. What a device loses it loses on its open connections too. */
import { AppError } from "../../domain/app-error.ts";
import { coversScope, type Scope } from "../../domain/scopes.ts";
import {
  devicePairList,
  devicePairRemove,
  deviceTokenRevoke,
  deviceTokenRotate,
} from "../../protocol/methods/devices.ts";
import { knownScopes } from "../auth/devices.ts";
import { handle, type BoundMethod, type Caller } from "./handler.ts";
import type { RpcServices } from "./services.ts";

export function deviceMethods({ devices, connections }: RpcServices): readonly BoundMethod[] {
  const cut = (deviceId: string, reason: string): void => {
    connections.closeWhere((connection) => connection.deviceId === deviceId, 1008, reason);
  };
  return [
    handle(devicePairList, async () => {
      const connected = new Set(Array.from(connections.all(), ({ deviceId }) => deviceId));
      const rows = await devices.list();
      return {
        pending: [],
        paired: rows.map((row) => ({
          deviceId: row.deviceId,
          role: row.role,
          scopes: [...row.scopes],
          ...(row.displayName === null ? {} : { displayName: row.displayName }),
          ...(row.platform === null ? {} : { platform: row.platform }),
          pairedAtMs: row.pairedMs,
          lastSeenAtMs: row.lastSeenMs,
          revoked: row.tokenHash === null,
          connected: connected.has(row.deviceId),
        })),
      };
    }),
    handle(devicePairRemove, async ({ deviceId }, caller) => {
      await requireAuthorityOver(deviceId, caller);
      await devices.remove(deviceId);
      closeAfterAnswer(caller, deviceId, () => cut(deviceId, "device removed"));
      return { deviceId, removed: true as const };
    }),
    handle(deviceTokenRotate, async ({ deviceId, role, scopes }, caller) => {
      await requireAuthorityOver(deviceId, caller);
      const narrowed = scopes === undefined ? null : knownScopes(scopes);
      const rotated = await devices.rotate(deviceId, role, narrowed);
      // Live sockets were let in by the old token, or by more scopes than are left.
      closeAfterAnswer(caller, deviceId, () => cut(deviceId, "device token rotated"));
      return {
        deviceId,
        role,
        scopes: [...rotated.scopes],
        rotatedAtMs: rotated.issuedAtMs,
        token: rotated.token,
        tokenDelivery: "in-band" as const,
      };
    }),
    handle(deviceTokenRevoke, async ({ deviceId, role }, caller) => {
      await requireAuthorityOver(deviceId, caller);
      const revokedAtMs = await devices.revoke(deviceId, role);
      closeAfterAnswer(caller, deviceId, () => cut(deviceId, "device token revoked"));
      return { deviceId, role, revokedAtMs };
    }),
  ];

  /** Nobody hands out or takes away what is beyond them: the scopes of the device must be the caller's too. */
  async function requireAuthorityOver(deviceId: string, caller: Caller): Promise<void> {
    const row = await devices.get(deviceId);
    if (row === null || caller.deviceId === deviceId) return;
    const beyond = knownScopes(row.scopes).find((scope) => !mayGrant(caller, scope));
    if (beyond !== undefined) {
      throw new AppError("SEC_004", `missing scope: ${beyond}`, {
        details: { code: "MISSING_SCOPE", missingScope: beyond, requiredScopes: [beyond] },
      });
    }
  }
}

/** A node's scope is no operator's own; handling nodes is what pairing is for. */
function mayGrant(caller: Caller, scope: Scope): boolean {
  return scope === "node" || coversScope(caller.principal.scopes, scope);
}

/** A device that changes what is its own must hear the answer before its socket closes. */
function closeAfterAnswer(caller: Caller, deviceId: string, cut: () => void): void {
  if (caller.deviceId === deviceId) setImmediate(cut);
  else cut();
}
