/** Which addresses are the public internet. Everything is refused that is not plainly a public unicast address. */
import { isIP } from "node:net";
import ipaddr from "ipaddr.js";

/**
 * True only for a public unicast address. IPv4 written as IPv6 is judged as the IPv4 that it is; addresses that carry
 * another one inside (NAT64, 6to4, Teredo) are not public, because a gateway would unpack them.
 */
export function isPublicAddress(address: string): boolean {
  // The library also reads short forms like 1.2.3, which no resolver gives.
  if (isIP(address) === 0 || !ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address);
  if (parsed.range() !== "unicast") return false;
  // Of IPv6 only 2000::/3 is handed out as global unicast; a new special range elsewhere is refused before we know it.
  return parsed instanceof ipaddr.IPv4 || ((parsed as ipaddr.IPv6).parts[0] ?? 0) >> 13 === 1;
}

/** The address in a host as the URL parser leaves it; null where the host is a name. */
export function literalAddress(hostname: string): string | null {
  const bare = hostname.startsWith("[") && hostname.endsWith("]") ? hostname.slice(1, -1) : hostname;
  return isIP(bare) === 0 ? null : bare;
}

/** Names that always mean this machine, whatever a resolver says (RFC 6761). */
export function isLocalName(hostname: string): boolean {
  return hostname === "localhost" || hostname.endsWith(".localhost");
}

/** `example.org` matches itself, `*.example.org` everything below it. Both sides without a trailing dot. */
export function matchesHost(pattern: string, hostname: string): boolean {
  const wanted = pattern.toLowerCase().replace(/\.+$/, "");
  return wanted.startsWith("*.")
    ? hostname.endsWith(wanted.slice(1)) && hostname.length >= wanted.length
    : hostname === wanted;
}
