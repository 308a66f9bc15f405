/** ElevenLabs. Its voices are ids of an account, so none but the usual one is listed. */
import type { SpeechFormat, SpeechProvider } from "../contract.ts";

const usualVoice = "21m00Tcm4TlvDq8ikWAM";

/** Its names for what we ask: 44.1 kHz at 128 kbit/s, and 48 kHz at 64 kbit/s. */
const formats: Readonly<Record<SpeechFormat, string>> = { mp3: "mp3_44100_128", opus: "opus_48000_64" };

export const elevenLabsSpeech: SpeechProvider = {
  id: "elevenlabs",
  label: "ElevenLabs",
  defaults: { baseUrl: "https://api.elevenlabs.io", model: "eleven_multilingual_v2", voice: usualVoice },
  keyVariable: "ELEVENLABS_API_KEY",
  voices: [usualVoice],
  call: (text, format, { baseUrl, apiKey, model, voice }) => ({
    url: `${baseUrl}/v1/text-to-speech/${encodeURIComponent(voice)}?output_format=${formats[format]}`,
    headers: apiKey === null ? {} : { "xi-api-key": apiKey },
    body: JSON.stringify({ text, model_id: model }),
  }),
};
