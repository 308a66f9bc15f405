/**
 * From where a request comes, as far as it can be known: the peer of the socket, or what a proxy that we were told to
 * trust says. A header of anybody else changes nothing. Pure.
 */
import type { IncomingHttpHeaders } from "node:http";
import ipaddr from "ipaddr.js";

export interface Peer {
  /** Canonical text; IPv4 inside IPv6 is shown as IPv4. */
  readonly address: string;
  /**
   * The socket's own peer is this machine and nothing says that the request was passed on. Gives no right by itself:
   * it only limits what a right credential without a device may do.
   */
  readonly directLoopback: boolean;
  /** A browser page sent it. */
  readonly hasOrigin: boolean;
  readonly socketAddress: string;
  readonly socketPort: number;
}

export interface PeerSource {
  readonly headers: IncomingHttpHeaders;
  readonly socket: { readonly remoteAddress?: string | undefined; readonly remotePort?: number | undefined };
}

/** Each of these says "somebody passed this on": a request that has one is never local. */
const forwardingHeaders = [
  "forwarded",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
  "x-real-ip",
  "x-client-ip",
  "cf-connecting-ip",
  "true-client-ip",
  "via",
] as const;

export function peerOf(req: PeerSource, trustedProxies: readonly string[]): Peer {
  const socketAddress = canonicalAddress(req.socket.remoteAddress ?? "");
  const forwarded = forwardingHeaders.some((name) => req.headers[name] !== undefined);
  return {
    address: forwardedAddress(req, socketAddress, trustedProxies) ?? socketAddress,
    directLoopback: isLoopback(socketAddress) && !forwarded,
    hasOrigin: req.headers.origin !== undefined,
    socketAddress,
    socketPort: req.socket.remotePort ?? 0,
  };
}

export function isLoopback(address: string): boolean {
  return ipaddr.isValid(address) && ipaddr.process(address).range() === "loopback";
}

/** Whom a counter of failures is kept for: one IPv4 address, or the /64 that one IPv6 customer has at least. */
export function limiterKey(address: string): string {
  if (!ipaddr.isValid(address)) return "unknown";
  const parsed = ipaddr.process(address);
  if (parsed.kind() === "ipv4") return parsed.toString();
  return `${parsed.toByteArray().slice(0, 8).join(".")}/64`;
}

function canonicalAddress(address: string): string {
  // A zone ("fe80::1%eth0") names our interface, not the peer.
  const bare = address.split("%")[0] ?? "";
  return ipaddr.isValid(bare) ? ipaddr.process(bare).toString() : bare;
}

/** The rightmost address that is not itself a trusted proxy; what stands left of it is the client's own claim. */
function forwardedAddress(req: PeerSource, socketAddress: string, trustedProxies: readonly string[]): string | null {
  if (!isTrusted(socketAddress, trustedProxies)) return null;
  const header = req.headers["x-forwarded-for"];
  const hops = (Array.isArray(header) ? header.join(",") : (header ?? ""))
    .split(",")
    .map((hop) => canonicalAddress(hop.trim()));
  const client = hops.findLast((hop) => !isTrusted(hop, trustedProxies));
  return client !== undefined && ipaddr.isValid(client) ? client : null;
}

function isTrusted(address: string, trustedProxies: readonly string[]): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address);
  return trustedProxies.some((entry) => {
    if (ipaddr.isValid(entry)) return ipaddr.process(entry).toString() === parsed.toString();
    if (!ipaddr.isValidCIDR(entry)) return false;
    const range = ipaddr.parseCIDR(entry);
    return range[0].kind() === parsed.kind() && parsed.match(range);
  });
}
