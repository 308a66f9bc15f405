/**
 * Where the gateway listens. Loopback unless the owner says otherwise; anywhere else it does not start without a
 * credential that a stranger would have to know.
 */
import { networkInterfaces, type NetworkInterfaceInfo } from "node:os";
import ipaddr from "ipaddr.js";
import type { Config } from "../config/schema/root.ts";
import { AppError } from "../domain/app-error.ts";
import { isLoopback } from "./auth/client-address.ts";

export type Interfaces = NodeJS.Dict<NetworkInterfaceInfo[]>;

/** Addresses to try, the preferred one first. Throws CFG_004 where the setting cannot or must not be followed. */
export function bindAddresses(
  config: Pick<Config["gateway"], "bind" | "host" | "auth">,
  interfaces: Interfaces = networkInterfaces(),
): readonly string[] {
  const addresses = config.host === undefined ? addressesOf(config.bind, interfaces) : [config.host];
  const open = addresses.some((address) => address !== "localhost" && !isLoopback(address));
  // "auto" falls back to the network; without a credential there is nothing to fall back to.
  const usable = open && config.auth.mode === "none" ? addresses.filter(isLoopback) : addresses;
  if (usable.length === 0) {
    throw new AppError(
      "CFG_004",
      "gateway.bind leaves loopback and gateway.auth.mode is none: that is open to everybody.",
    );
  }
  return usable;
}

function addressesOf(bind: Config["gateway"]["bind"], interfaces: Interfaces): readonly string[] {
  switch (bind) {
    case "loopback":
      return ["127.0.0.1"];
    case "lan":
      return ["0.0.0.0"];
    case "auto":
      return ["127.0.0.1", "0.0.0.0"];
    case "tailnet": {
      const address = tailnetAddress(interfaces);
      if (address !== null) return [address];
      throw new AppError("CFG_004", "gateway.bind is tailnet, but this machine has no tailnet address.");
    }
  }
}

/** Tailscale gives every machine one address of 100.64.0.0/10. */
function tailnetAddress(interfaces: Interfaces): string | null {
  const tailnet = ipaddr.parseCIDR("100.64.0.0/10");
  for (const addresses of Object.values(interfaces)) {
    for (const { address, family } of addresses ?? []) {
      if (family === "IPv4" && ipaddr.parse(address).match(tailnet)) return address;
    }
  }
  return null;
}
