/** Handlers of speech. The room of speech asks the services; whether answers are spoken is a setting of the configuration. */
import { ttsConvert, ttsDisable, ttsEnable, ttsProviders, ttsStatus } from "../../../protocol/methods/tts.ts";
import { handle, type BoundMethod, type Caller } from "../handler.ts";
import type { RpcServices } from "../services.ts";

export function ttsMethods({ deps, configWrites }: RpcServices): readonly BoundMethod[] {
  const { speech, config } = deps;
  const switchTo = async (auto: "always" | "off", method: string, caller: Caller) => {
    configWrites.take(method, caller);
    await config.write({ kind: "set", path: "messages.tts.auto", value: auto });
    return { ok: true as const, enabled: auto !== "off" };
  };
  return [
    handle(ttsStatus, () => speech.status()),
    handle(ttsProviders, () => ({
      active: speech.status().provider,
      providers: speech.providers().map(({ voices, ...provider }) => ({ ...provider, voices: [...voices] })),
    })),
    handle(ttsEnable, async (_params, caller) => {
      // Spoken "as is said" is on already, and more exact than "always".
      if (speech.status().enabled) return { ok: true as const, enabled: true };
      return switchTo("always", ttsEnable.name, caller);
    }),
    handle(ttsDisable, async (_params, caller) => {
      if (!speech.status().enabled) return { ok: true as const, enabled: false };
      return switchTo("off", ttsDisable.name, caller);
    }),
    handle(ttsConvert, async ({ text, provider, voice, format }) => {
      const { audio, ...spoken } = await speech.convert({
        text,
        ...(provider === undefined ? {} : { provider }),
        ...(voice === undefined ? {} : { voice }),
        ...(format === undefined ? {} : { format }),
      });
      return {
        ...spoken,
        sizeBytes: audio.length,
        voiceCompatible: spoken.format === "opus",
        audio: Buffer.from(audio).toString("base64"),
      };
    }),
  ];
}
