/** Names every service of speech. The one place that does; the first that is set up is asked where nobody chose. */
import type { SpeechProvider } from "./contract.ts";
import { elevenLabsSpeech } from "./elevenlabs/index.ts";
import { openAiSpeech } from "./openai/index.ts";

export const speechProviders: readonly SpeechProvider[] = [openAiSpeech, elevenLabsSpeech];
