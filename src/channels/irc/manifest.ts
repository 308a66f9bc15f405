/** What IRC can do, and the settings of an account on it. */
import { z } from "zod";
import type { ChannelManifest } from "../contract.ts";
import { deliveryConfigShape } from "../delivery-config.ts";
import { policyConfigShape } from "../policy-config.ts";

/** No line break, no NUL, no space: each would end the word on the wire and begin another. */
const word = z.string().regex(/^[^\s\0]+$/, "must be one word without spaces");
const line = z.string().regex(/^[^\r\n\0]*$/, "must be one line");
const room = word.regex(/^[#&+!][^,\x07]*$/, "must begin with # and hold no comma");

const accountSchema = z.object({
  ...policyConfigShape,
  ...deliveryConfigShape,
  host: z.string().min(1).describe("Name or address of the server. Needed."),
  port: z.number().int().min(1).max(65_535).optional().describe("6697 with TLS and 6667 without, where not set."),
  tls: z
    .boolean()
    .optional()
    .describe(
      "On, unless the port is 6667, which by custom is plain. A plain server on another port needs false here.",
    ),
  tlsInsecure: z.boolean().default(false).describe("Takes any certificate. Only for a server of one's own."),
  nick: word.regex(/^[^#&:$@!,*?\d-]/, "must begin like a nick").describe("The assistant's nick. Needed."),
  username: word.optional().describe("The user part of its address; made from the nick where not set."),
  realname: line.optional().describe("What is shown as its real name; OpenClaw where not set."),
  password: line.optional().describe("The server's password, where it wants one."),
  sasl: z
    .discriminatedUnion("mechanism", [
      z.object({ mechanism: z.literal("PLAIN"), account: line.min(1), password: z.string().min(1) }),
      /** Proves itself by the client certificate of the TLS connection. */
      z.object({ mechanism: z.literal("EXTERNAL"), account: line.optional() }),
    ])
    .optional()
    .describe("Signs in to the network's services before it joins."),
  clientCertificate: z
    .object({
      certificate: z.string().describe("PEM text, for SASL EXTERNAL."),
      privateKey: z.string().describe("PEM text of its key."),
    })
    .optional(),
  channels: z
    .array(z.union([room, z.object({ name: room, key: word.optional() })]))
    .default([])
    .describe("Rooms to join; an object where a room has a key."),
  allowNicks: z
    .boolean()
    .default(false)
    .describe("Lets a plain nick in allowFrom match. Weak: anybody can take a free nick."),
  mentionAnywhere: z
    .boolean()
    .default(true)
    .describe("The nick anywhere in a room's message addresses the assistant, not only at its beginning."),
  mentionNames: z.array(word).default([]).describe("Other names it listens to."),
  ignoreBots: z
    .boolean()
    .default(true)
    .describe(
      "Messages from senders that the server marks as bots are left out, so that two assistants do not talk for ever.",
    ),
  flood: z
    .object({
      burst: z.number().int().min(1).max(100).describe("Lines that may go out at once; 5 where not set."),
      perSecond: z.number().positive().max(1_000).describe("Lines per second after that; 2 where not set."),
    })
    .partial()
    .default({}),
});

/** Ids are compared letter by letter, and on IRC capitals mean nothing: lists are brought to the form that ids have. */
const configSchema = accountSchema.transform((account) => ({
  ...account,
  tls: account.tls ?? account.port !== 6667,
  port: account.port ?? (account.tls === false ? 6667 : 6697),
  username:
    account.username ??
    account.nick
      .replace(/[^A-Za-z0-9]/g, "")
      .slice(0, 9)
      .toLowerCase(),
  realname: account.realname ?? "OpenClaw",
  channels: account.channels.map((entry) => (typeof entry === "string" ? { name: entry, key: undefined } : entry)),
  flood: { burst: account.flood.burst ?? 5, perSecond: account.flood.perSecond ?? 2 },
  allowHandles: account.allowHandles || account.allowNicks,
  allowFrom: account.allowFrom.map(canonicalEntry),
  groupAllowFrom: account.groupAllowFrom?.map(canonicalEntry) ?? null,
  groups: canonicalGroups(account.groups),
}));

export type IrcConfig = z.output<typeof configSchema>;

export const manifest: ChannelManifest<IrcConfig> = {
  id: "irc",
  label: "IRC",
  summary: "Any IRC network, over TLS, with SASL and IRCv3 where the server has them.",
  senderIds:
    "`account:NAME` where the sender is signed in to the network's services, else `host:USER@HOST`, in small letters",
  example: `{
  channels: {
    irc: {
      host: "irc.example.net",
      nick: "claw",
      channels: ["#room"],
      allowFrom: ["account:ann", "host:~bob@example.org"],
    },
  },
}`,
  configSchema,
  capabilities: {
    threads: false,
    edits: false,
    deletes: false,
    reactions: false,
    typing: false,
    quotes: true,
    voice: false,
    groups: true,
    receives: ["text"],
    sends: ["text"],
  },
  // The confirmation happens inside `send`; once that is lost there is no way to look, and none to send it harmlessly twice.
  idempotency: "blind",
  // A line is 512 bytes with its end and with the prefix the server puts before it; this leaves room for a long prefix.
  text: { max: 350, unit: "byte" },
  messagesPerSecond: 2,
  secrets: ["password", "sasl.password", "clientCertificate.privateKey", "channels.*.key"],
  degrades: {
    image: "its name and address as a line of text",
    video: "its name and address as a line of text",
    audio: "its name and address as a line of text",
    voice: "its name and address as a line of text",
    document: "its name and address as a line of text",
    sticker: "its name and address as a line of text",
    location: "coordinates as text",
    contact: "name and number as text",
    embed: "title, text and link as text",
    interactive: "the labels as text",
  },
};

function canonicalEntry(entry: string): string {
  return entry.toLowerCase();
}

function canonicalGroups<Value>(
  groups: readonly string[] | Readonly<Record<string, Value>> | null,
): string[] | Record<string, Value> | null {
  if (groups === null) return null;
  if (Array.isArray(groups)) return groups.map((name: string) => name.toLowerCase());
  return Object.fromEntries(Object.entries(groups).map(([name, value]) => [name.toLowerCase(), value]));
}
