/** Speech: which services there are, whether answers are spoken, and one text spoken. */
import { z } from "zod";
import { method } from "../method.ts";

const format = z.enum(["mp3", "opus"]);

const switched = z.strictObject({ ok: z.literal(true), enabled: z.boolean() });

export const ttsStatus = method({
  name: "tts.status",
  scope: "operator.read",
  params: z.strictObject({}),
  result: z.strictObject({
    enabled: z.boolean(),
    auto: z.string(),
    /** The service that would be asked; null where none can be. */
    provider: z.string().nullable(),
    maxTextLength: z.number().int(),
  }),
  summary: "Whether answers are to be spoken, and by whom.",
});

export const ttsProviders = method({
  name: "tts.providers",
  scope: "operator.read",
  params: z.strictObject({}),
  result: z.strictObject({
    active: z.string().nullable(),
    providers: z.array(
      z.strictObject({
        id: z.string(),
        label: z.string(),
        configured: z.boolean(),
        model: z.string(),
        voice: z.string(),
        voices: z.array(z.string()),
      }),
    ),
  }),
  summary: "Speech services, and which of them can be asked.",
});

export const ttsEnable = method({
  name: "tts.enable",
  scope: "operator.write",
  params: z.strictObject({}),
  result: switched,
  summary: "Writes messages.tts.auto as always, where it is off.",
});

export const ttsDisable = method({
  name: "tts.disable",
  scope: "operator.write",
  params: z.strictObject({}),
  result: switched,
  summary: "Writes messages.tts.auto as off.",
});

export const ttsConvert = method({
  name: "tts.convert",
  scope: "operator.write",
  params: z.strictObject({
    text: z.string().min(1).max(100_000),
    provider: z.string().min(1).max(64).optional(),
    voice: z.string().min(1).max(128).optional(),
    format: format.optional(),
  }),
  result: z.strictObject({
    provider: z.string(),
    model: z.string(),
    voice: z.string(),
    format,
    mimeType: z.string(),
    durationMs: z.number().int(),
    sizeBytes: z.number().int(),
    /** Whether platforms take it as a voice message. */
    voiceCompatible: z.boolean(),
    /** Base64. */
    audio: z.string(),
  }),
  summary: "Has a text spoken; the audio comes back whole.",
});
