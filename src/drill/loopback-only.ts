/**
 * A trap around every socket of this process: an address that is not this machine's own is refused before a name is
 * looked up or a packet leaves. A drill works on a copy of a real configuration; this is what makes sure that nobody
 * real ever hears of it.
 */
import { Socket as DatagramSocket } from "node:dgram";
import { Socket } from "node:net";
import { AppError } from "../domain/app-error.ts";

/** Never taken off again: a process in a drill has no other life. `told` gets each refused address. */
export function allowLoopbackOnly(told: (address: string) => void): void {
  const refuse = (address: string): AppError => {
    told(address);
    return new AppError("SEC_005", `A drill reaches nobody but this machine: ${address} was refused.`);
  };
  const connect = Socket.prototype.connect as (this: Socket, ...words: unknown[]) => Socket;
  Socket.prototype.connect = function (this: Socket, ...words: unknown[]): Socket {
    const address = addressOf(words);
    if (address === null || isLoopback(address)) return connect.apply(this, words);
    // As a connection that fails: whoever asked handles that already.
    return this.destroy(refuse(address));
  } as typeof Socket.prototype.connect;
  const send = DatagramSocket.prototype.send as (this: DatagramSocket, ...words: unknown[]) => void;
  DatagramSocket.prototype.send = function (this: DatagramSocket, ...words: unknown[]): void {
    const address = words.findLast((word) => typeof word === "string" && words.indexOf(word) > 0);
    if (typeof address === "string" && !isLoopback(address)) throw refuse(address);
    send.apply(this, words);
  } as typeof DatagramSocket.prototype.send;
}

/** Null for a path of this machine; the words come as `net.connect` takes them, or in its own array. */
function addressOf(words: readonly unknown[]): string | null {
  const [first, second] = Array.isArray(words[0]) ? (words[0] as readonly unknown[]) : words;
  if (typeof first === "object" && first !== null) {
    const { path, host } = first as { path?: unknown; host?: unknown };
    if (typeof path === "string") return null;
    return typeof host === "string" ? host : "localhost";
  }
  if (typeof first === "string" && !/^\d+$/.test(first)) return null;
  return typeof second === "string" ? second : "localhost";
}

function isLoopback(address: string): boolean {
  return address === "localhost" || address === "::1" || /^127\.\d+\.\d+\.\d+$/.test(address);
}
