/**
 * What every channel has to do, as one list of cases that every channel runs against its platform (a real server or
 * an emulator that a harness drives). A case that makes no sense for a channel is exempt with a reason, never left out.
 * The cases throw where the channel is wrong; they know no test framework.
 */
import { parsingCases } from "./conformance/parsing.ts";
import { renderingCases } from "./conformance/rendering.ts";
import { manifestCases } from "./conformance/manifest.ts";
import { lifeCases } from "./conformance/life.ts";
import { sendingCases } from "./conformance/sending.ts";
import { inboundCases } from "./conformance/inbound.ts";
import type { Address, InboundMessage } from "../domain/message.ts";
import type { ChannelAccount, ChannelModule } from "./contract.ts";

export interface ChannelHarness<Config> {
  /** Why a case does not apply to this channel, by the case's name. */
  readonly exempt: Readonly<Record<string, string>>;
  readonly fixtures: readonly InboundFixture[];
  /** How long a case waits for what must happen; long enough for a slow server where not given. */
  readonly patienceMs?: number;
  /** A raw payload of the platform, as its text, → what the channel makes of it. Must not throw, whatever the text. */
  parse(payload: string): InboundMessage | null;
  /** A platform of one case's own: cases run side by side. */
  open(): Promise<ConformancePlatform<Config>>;
}

export interface InboundFixture {
  readonly name: string;
  /** As the platform sent it, sanitised. */
  readonly payload: string;
  /** What must come of it: null where it is nothing that a person said, else the fields that matter. */
  readonly expected: ExpectedMessage | null;
}

export interface ExpectedMessage {
  readonly kind?: InboundMessage["kind"];
  readonly chatId?: string;
  readonly chatKind: Address["chatKind"];
  readonly sender?: string;
  readonly text: string;
  /** Whether the assistant is addressed. */
  readonly self: boolean;
  readonly replyToId?: string;
  readonly platformMessageId?: string;
  readonly sentAtMs?: number;
}

export type ConformanceChat = "dm" | "group";

export interface ConformancePlatform<Config> {
  readonly account: ChannelAccount<Config>;
  /** A second account of the same channel, for what must be kept apart. */
  readonly secondAccount: ChannelAccount<Config>;
  readonly wrongCredentials: ChannelAccount<Config>;
  /** Nobody listens there. */
  readonly unreachable: ChannelAccount<Config>;
  /** Accepts the transport and then says nothing. */
  readonly silent: ChannelAccount<Config>;
  /** Where the person of this platform can be reached. */
  address(chat: ConformanceChat): Address;
  /** The person writes to us (in a group: addressing us). Resolves when the platform has taken it. */
  say(chat: ConformanceChat, text: string): Promise<void>;
  /** Resolves when the person has seen a text for which `found` is true; rejects after a while. */
  seen(chat: ConformanceChat, found: (texts: readonly string[]) => boolean): Promise<readonly string[]>;
  /** The platform is reached through something that can fail. */
  readonly faults: PlatformFaults;
  close(): Promise<void>;
}

export interface PlatformFaults {
  /** The connection breaks, at once and without a goodbye. */
  cut(): void;
  /** Both directions stop without a word; nothing is closed. */
  freeze(): void;
  /** What we say arrives, what the platform answers does not. */
  muteAnswers(): void;
  /** Bytes that the platform never meant to send. */
  inject(bytes: Buffer): void;
}

export interface ConformanceCase {
  readonly name: string;
  /** Why it does not apply here; null where it does. */
  readonly exempt: string | null;
  run(): Promise<void>;
}

export interface CaseContext<Config> {
  readonly module: ChannelModule<Config>;
  readonly harness: ChannelHarness<Config>;
}

/** Name → what to do. It throws where the channel does not conform. */
export type Cases = Readonly<Record<string, () => void | Promise<void>>>;

export function channelConformance<Config>(
  module: ChannelModule<Config>,
  harness: ChannelHarness<Config>,
): readonly ConformanceCase[] {
  const context = { module, harness };
  const areas: Readonly<Record<string, Cases>> = {
    manifest: manifestCases(context),
    parsing: parsingCases(context),
    rendering: renderingCases(context),
    life: lifeCases(context),
    sending: sendingCases(context),
    inbound: inboundCases(context),
  };
  return Object.entries(areas).flatMap(([area, cases]) =>
    Object.entries(cases).map(([title, act]) => {
      const name = `${area}: ${title}`;
      return {
        name,
        exempt: Object.hasOwn(harness.exempt, name) ? (harness.exempt[name] ?? "") : null,
        run: async () => act(),
      };
    }),
  );
}
