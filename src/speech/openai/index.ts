/** OpenAI's speech, and every local server that speaks the same protocol at an address of its own. */
import type { SpeechProvider } from "../contract.ts";

export const openAiSpeech: SpeechProvider = {
  id: "openai",
  label: "OpenAI and compatible servers",
  defaults: { baseUrl: "https://api.openai.com/v1", model: "gpt-4o-mini-tts", voice: "alloy" },
  keyVariable: "OPENAI_API_KEY",
  voices: ["alloy", "ash", "ballad", "coral", "echo", "fable", "nova", "onyx", "sage", "shimmer", "verse"],
  call: (text, format, { baseUrl, apiKey, model, voice }) => ({
    url: `${baseUrl}/audio/speech`,
    headers: apiKey === null ? {} : { authorization: `Bearer ${apiKey}` },
    body: JSON.stringify({ model, voice, input: text, response_format: format }),
  }),
};
