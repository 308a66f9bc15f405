/** Text into speech: what a service of it is, and the desk that the rest of the house asks. */

/** `opus`: Opus in Ogg, what voice messages are made of. */
export const speechFormats = ["mp3", "opus"] as const;
export type SpeechFormat = (typeof speechFormats)[number];

/** How a service is reached; from the configuration, completed with the service's own defaults. */
export interface SpeechEndpoint {
  /** Without a slash at its end. */
  readonly baseUrl: string;
  /** Null where none is known. */
  readonly apiKey: string | null;
  readonly model: string;
  readonly voice: string;
}

export interface SpeechCall {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** One service. A folder per service; `registry.ts` names them. It writes the request and no more: who asks judges the answer. */
export interface SpeechProvider {
  readonly id: string;
  readonly label: string;
  readonly defaults: Omit<SpeechEndpoint, "apiKey">;
  /** The variable in which its key is looked for where the configuration has none. */
  readonly keyVariable: string;
  readonly voices: readonly string[];
  call(text: string, format: SpeechFormat, endpoint: SpeechEndpoint): SpeechCall;
}

export interface Speech {
  readonly provider: string;
  readonly model: string;
  readonly voice: string;
  readonly format: SpeechFormat;
  readonly mimeType: string;
  readonly audio: Uint8Array;
  readonly durationMs: number;
}

export interface SpokenText {
  readonly text: string;
  /** The configured one where absent. */
  readonly provider?: string;
  readonly voice?: string;
  readonly format?: SpeechFormat;
}

export interface SpeechProviderStatus {
  readonly id: string;
  readonly label: string;
  /** Whether it can be asked: it has a key, or an address of its own. */
  readonly configured: boolean;
  readonly model: string;
  readonly voice: string;
  readonly voices: readonly string[];
}

export interface SpeechDesk {
  /** `provider`: the one that would be asked; null where none can be. Contacts nobody. */
  status(): {
    readonly enabled: boolean;
    readonly auto: string;
    readonly provider: string | null;
    readonly maxTextLength: number;
  };
  providers(): readonly SpeechProviderStatus[];
  /**
   * Whole audio, checked to its last frame. Throws RPC_003 for a text that is empty or too long, RPC_007 for a service that is
   * not known, MODEL_009 where none is set up, MODEL_002 (key), MODEL_003 (limit), MODEL_008 (refused), MODEL_004 (failed),
   * MODEL_005 (no audio, or cut off), MODEL_006 (too slow), and BUDGET_001–003 where nobody pays: no price of it is known, so
   * that a budget lets it speak only where `budgets.allowUnpriced` names it.
   */
  convert(spoken: SpokenText): Promise<Speech>;
}
