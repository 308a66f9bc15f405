/**
 * A connection as the rest of the house sees it: counted, and dead the moment it was replaced. A send that is asked
 * of a replaced connection is refused before it reaches the channel, so that it is provably not sent.
 */
import { AppError } from "../domain/app-error.ts";
import type { ChannelConnection, SendOutcome } from "./contract.ts";

export interface Meter {
  readonly live: () => boolean;
  readonly roundTrip: () => void;
  readonly counters: { sent: number; errors: number };
  /** Without the secrets that the platform quotes. */
  readonly clean: (error: AppError) => AppError;
}

export function meteredConnection(connection: ChannelConnection, meter: Meter): ChannelConnection {
  /** Runs one change on the platform; a channel that throws against its contract may have sent. */
  async function counted(act: () => Promise<SendOutcome>): Promise<SendOutcome> {
    if (!meter.live()) return { outcome: "not-sent", error: new AppError("CONN_001", "The connection was replaced.") };
    let result: SendOutcome;
    try {
      result = await act();
    } catch (error) {
      result = { outcome: "unknown", error: AppError.from(error, "MSG_002") };
    }
    if (result.outcome === "sent") {
      meter.counters.sent += 1;
      if (meter.live()) meter.roundTrip();
    } else {
      meter.counters.errors += 1;
    }
    return result.outcome === "sent" ? result : { ...result, error: meter.clean(result.error) };
  }

  const find = connection.find?.bind(connection);
  const typing = connection.typing?.bind(connection);
  const edit = connection.edit?.bind(connection);
  const remove = connection.delete?.bind(connection);
  const react = connection.react?.bind(connection);
  const download = connection.download?.bind(connection);
  return {
    send: (piece, signal) => counted(() => connection.send(piece, signal)),
    probe: (signal) => connection.probe(signal),
    close: () => connection.close(),
    // What the channel cannot do is absent here too: presence of the method is the capability.
    ...(find && { find }),
    ...(typing && { typing }),
    ...(edit && { edit: (piece, id, signal) => counted(() => edit(piece, id, signal)) }),
    ...(remove && { delete: (address, id, signal) => counted(() => remove(address, id, signal)) }),
    ...(react && { react: (address, id, emoji, signal) => counted(() => react(address, id, emoji, signal)) }),
    // A replaced connection may finish what it reads: bytes are the same whoever fetched them.
    ...(download && { download }),
  };
}
