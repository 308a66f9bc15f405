/** Every connection of this gateway, and nothing of those that are gone: fan-out, counters, and closing them all. */
import type { ClientSocket } from "./client-socket.ts";
import type { Connection } from "./connection.ts";
import type { WireEvent } from "./wire-event.ts";

export interface ConnectionCounters {
  /** Sockets that have not connected yet. */
  readonly handshaking: number;
  readonly open: number;
  readonly requestsInFlight: number;
  readonly subscriptions: number;
  /** Since the start. */
  readonly opened: number;
  readonly closed: number;
}

export interface Connections {
  add(connection: Connection): void;
  remove(connection: Connection): void;
  all(): Iterable<Connection>;
  size(): number;
  /** To everybody who may hear it. */
  broadcast(event: WireEvent): void;
  /** Returns how many were closed. */
  closeWhere(test: (connection: Connection) => boolean, code: number, reason: string): number;
  runEnded(runId: string): void;
  counters(): ConnectionCounters;
  /** Counted, and closed with the others, until `handshakeEnded` is called with the same socket. */
  handshakeBegan(socket: ClientSocket): void;
  handshakeEnded(socket: ClientSocket): void;
  closeHandshakes(code: number, reason: string): void;
}

export function createConnections(): Connections {
  const connections = new Set<Connection>();
  const handshaking = new Set<ClientSocket>();
  let opened = 0;
  let closed = 0;
  return {
    add(connection) {
      connections.add(connection);
      opened += 1;
    },
    remove(connection) {
      if (connections.delete(connection)) closed += 1;
    },
    all: () => connections,
    size: () => connections.size,
    broadcast(event) {
      for (const connection of connections) if (connection.hears(event)) connection.sendEvent(event);
    },
    closeWhere(test, code, reason) {
      const chosen = [...connections].filter(test);
      for (const connection of chosen) connection.close(code, reason);
      return chosen.length;
    },
    runEnded(runId) {
      for (const connection of connections) connection.subscriptions.ended(runId);
    },
    handshakeBegan: (socket) => void handshaking.add(socket),
    handshakeEnded: (socket) => void handshaking.delete(socket),
    closeHandshakes(code, reason) {
      for (const socket of handshaking) socket.close(code, reason);
    },
    counters() {
      let requestsInFlight = 0;
      let subscriptions = 0;
      for (const connection of connections) {
        requestsInFlight += connection.inFlight;
        subscriptions += connection.subscriptions.size();
      }
      return { handshaking: handshaking.size, open: connections.size, requestsInFlight, subscriptions, opened, closed };
    },
  };
}
