/** Which versions of the wire protocol this gateway speaks, and how one is chosen with a client. Owns no frame. */

export const protocolVersion = 4;
export const minProtocolVersion = 3;

/** The highest version both sides speak, or null where the ranges do not meet. */
export function negotiateProtocol(clientMin: number, clientMax: number): number | null {
  const highest = Math.min(clientMax, protocolVersion);
  return highest >= Math.max(clientMin, minProtocolVersion) ? highest : null;
}
