import { describe, it } from "vitest";
import { AppError } from "../../domain/app-error.ts";
import { channelConformance, type ChannelHarness } from "../conformance.ts";
import type { ChannelAccount, ChannelConnection, ChannelModule, OutboundPiece } from "../contract.ts";
import { webchat } from "./index.ts";
import { manifest, type WebchatConfig } from "./manifest.ts";

const noPlatform = "there is no platform between us and the store that could fail or refuse";
const noInbound = "its clients write through the gateway, not through the channel";

const exempt: Readonly<Record<string, string>> = Object.fromEntries([
  ...[
    "life: wrong credentials are CONN_002, and not worth another try",
    "life: nobody there is CONN_001, and worth another try",
    "life: an attempt under way ends at once when it is called off",
    "life: a failed attempt says nothing through the link",
    "life: a connection that breaks is told once",
    "life: closes after it broke",
    "life: a probe of a platform that has stopped answering ends with its signal",
    "sending: a send on a connection that broke is not sent, and may be tried again",
    "sending: a send whose answer is lost is in doubt, never sent and never not sent",
    "sending: a send that is called off while it waits for its answer is in doubt",
    "sending: a send to a chat that cannot be is not sent",
  ].map((name) => [name, noPlatform]),
  [
    "sending: a label stands in front of the text",
    "sending is storing: no send is ever in doubt, and nothing is labelled",
  ],
  ...[
    "life: two accounts stand side by side, and each gets its own",
    "life: hands over nothing after it is closed",
    "parsing: there are at least 20 recorded payloads",
    "parsing: each becomes a message that fits the schema",
    "parsing: each has the text that was written",
    "parsing: each has every field that was expected of it",
    "parsing: what no person said becomes nothing",
    "parsing: a direct message is told from a group's",
    "parsing: a mention is seen, and none is imagined",
    "parsing: a reply names what it answers",
    "parsing: the address names this channel, and the sender's id is not the name that people see",
    "parsing: the raw payload is kept",
    "parsing: a damaged payload is a message or nothing, never an exception",
    "rendering: what a person wrote in plain words goes out as it came in",
    "inbound: a direct message is handed over, and can be answered at its address",
    "inbound: a group's message is handed over, and can be answered at its address",
    "inbound: messages are handed over in order, each once",
    "inbound: the same words said twice are two messages",
    "inbound: what we send does not come back as a message",
    "inbound: a refused message is done with, and the next one comes",
    "inbound: a message that could not be stored is offered again, before the one behind it",
    "inbound: characters of every script arrive as they were written",
    "inbound: a line of a megabyte does no harm",
    "inbound: bytes that are no UTF-8 do no harm",
    "inbound: control characters and empty lines do no harm",
    "inbound: random bytes do no harm",
  ].map((name) => [name, noInbound]),
]);

/** What the store would hold: a piece that was sent is there, with its files. */
function storing(sent: OutboundPiece[]): ChannelModule<WebchatConfig> {
  return {
    ...webchat,
    async connect(account, link, signal): Promise<ChannelConnection> {
      const connection = await webchat.connect(account, link, signal);
      return {
        ...connection,
        async send(piece, sendSignal) {
          const result = await connection.send(piece, sendSignal);
          if (result.outcome === "sent") sent.push(piece);
          return result;
        },
      };
    },
  };
}

function harness(sent: OutboundPiece[]): ChannelHarness<WebchatConfig> {
  const account: ChannelAccount<WebchatConfig> = {
    channel: manifest.id,
    accountId: "default",
    config: manifest.configSchema.parse({}),
  };
  const unused = (): never => {
    throw new AppError("SYS_001", "An exempt case was run.");
  };
  return {
    exempt,
    fixtures: [],
    parse: () => null,
    open: async () => ({
      account,
      secondAccount: account,
      wrongCredentials: account,
      unreachable: account,
      silent: account,
      address: (chat) => ({ channel: manifest.id, accountId: "default", chatId: chat, chatKind: chat }),
      say: unused,
      async seen(chat, found) {
        const texts = sent
          .filter((piece) => piece.address.chatId === chat)
          .map((piece) => [piece.text, ...piece.attachments.map((file) => file.url ?? "")].join(""));
        if (!found(texts)) throw new AppError("SYS_001", "It was not seen.");
        return texts;
      },
      faults: { cut: unused, freeze: () => {}, muteAnswers: unused, inject: unused },
      close: async () => {},
    }),
  };
}

describe("webchat", () => {
  const names = channelConformance(webchat, harness([])).map(({ name }) => name);
  for (const name of names) {
    const sent: OutboundPiece[] = [];
    const found = channelConformance(storing(sent), harness(sent)).find((candidate) => candidate.name === name);
    if (found === undefined) continue;
    if (found.exempt === null) it(`K21: ${name}`, () => found.run());
    else it.skip(`K21: ${name} (exempt: ${found.exempt})`);
  }
});
