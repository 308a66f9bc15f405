/**
 * IRC. One connection attempt, and the connection that comes of it: who we are on this server, what it hands over and
 * in which order. Reconnecting, retrying a send and deciding who may talk are not done here.
 */
import { AppError } from "../../domain/app-error.ts";
import type { ChannelAccount, ChannelConnection, ChannelLink, ChannelModule } from "../contract.ts";
import { renderLines } from "./format.ts";
import { manifest, type IrcConfig } from "./manifest.ts";
import { IrcSession } from "./session.ts";
import { signOn } from "./sign-on.ts";
import { openWire, type Wire } from "./wire.ts";

export const irc: ChannelModule<IrcConfig> = {
  manifest,
  connect,
  render: (markdown, options) => renderLines(markdown, options).map((text) => ({ text })),
};

async function connect(
  account: ChannelAccount<IrcConfig>,
  link: ChannelLink,
  signal: AbortSignal,
): Promise<ChannelConnection> {
  const { config } = account;
  refuseUnsafe(config, link);
  const wire = await openWire(
    { ...config, ids: link.ids, onOddity: (what) => link.log.warn("The server sent what cannot be read.", { what }) },
    signal,
  );
  try {
    return await signedOn(wire, account, link, signal);
  } catch (error) {
    wire.destroy();
    throw AppError.from(error, "CONN_001");
  }
}

async function signedOn(
  wire: Wire,
  account: ChannelAccount<IrcConfig>,
  link: ChannelLink,
  signal: AbortSignal,
): Promise<ChannelConnection> {
  const digits = (): string => String(100 + Math.floor(link.ids.random() * 900));
  const identity = await signOn(wire, account.config, { digits, signal });
  const session = new IrcSession({ wire, account, link, identity });
  await session.begin(signal);
  return {
    send: (piece, sendSignal) => session.outbound.send(piece, sendSignal),
    probe: (probeSignal) => wire.roundTrip(probeSignal),
    close: () => session.close(),
  };
}

function refuseUnsafe(config: IrcConfig, link: ChannelLink): void {
  if (config.tls) return;
  if (config.sasl?.mechanism === "EXTERNAL") {
    throw new AppError(
      "CONN_002",
      "SASL EXTERNAL proves itself by the certificate of a TLS connection: set tls to true.",
    );
  }
  const local = config.host === "localhost" || config.host === "::1" || config.host.startsWith("127.");
  if (!local && (config.password !== undefined || config.sasl !== undefined)) {
    link.log.warn("The password goes over the network in the clear: set tls to true.", { host: config.host });
  }
}
