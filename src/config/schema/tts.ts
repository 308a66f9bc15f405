/** `messages.tts`: answers as speech. */
import * as z from "zod";
import { about, positive, record, secret } from "./leaf.ts";

export function ttsSchema() {
  return z.object({
    auto: about(z.enum(["off", "always", "inbound", "tagged"]), "When an answer is spoken."),
    provider: about(z.string().optional(), "Speech service."),
    maxTextLength: about(positive(), "Longest text that is spoken."),
    timeoutMs: about(positive(), "Longest time of one synthesis."),
    providers: about(
      record(
        z.object({
          apiKey: about(secret().optional(), "Key of the service."),
          baseUrl: about(z.string().optional(), "Its address."),
          model: about(z.string().optional(), "Its model."),
          voice: about(z.string().optional(), "Voice."),
        }),
      ),
      "Speech services by name.",
    ),
  });
}
