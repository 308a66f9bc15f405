/**
 * Whether being on this machine counts as a credential. Off unless the owner says so; then the peer must be the same
 * user, where the system can tell, and neither a page nor a proxy may stand in between.
 */
import { readFile } from "node:fs/promises";
import type { Config } from "../../config/schema/root.ts";
import type { Log } from "../../platform/log.ts";
import type { Peer } from "./client-address.ts";

export function createLoopbackTrust(
  gatewayConfig: () => Config["gateway"],
  log: Log,
): (peer: Peer) => Promise<boolean> {
  return async (peer) => {
    const { auth } = gatewayConfig();
    if (!auth.trustLoopback && auth.mode !== "none") return false;
    if (!peer.directLoopback || peer.hasOrigin) return false;
    return (await isSameUser(peer, log)) !== false;
  };
}

/** Null where the system does not tell. */
async function isSameUser(peer: Peer, log: Log): Promise<boolean | null> {
  const uid = process.getuid?.();
  if (process.platform !== "linux" || uid === undefined) return null;
  for (const table of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    let text: string;
    try {
      text = await readFile(table, "utf8");
    } catch (error) {
      log.debug("The table of sockets cannot be read.", { table, error });
      continue;
    }
    const owner = ownerOfSocket(text, peer.socketPort);
    if (owner !== null) return owner === uid;
  }
  return null;
}

/** The user of the loopback socket with this local port: columns 2 and 8 of the kernel's table. */
export function ownerOfSocket(table: string, port: number): number | null {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  for (const line of table.split("\n").slice(1)) {
    const columns = line.trim().split(/\s+/);
    const local = columns[1] ?? "";
    const isPeer =
      local.endsWith(suffix) &&
      (local.startsWith("0100007F") || local.includes("0100007F:") || /^0{24}01000000:/.test(local));
    if (isPeer) return Number(columns[7]);
  }
  return null;
}
