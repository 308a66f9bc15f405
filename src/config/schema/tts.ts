/** `messages.tts`: answers as speech. */
import * as z from "zod";
import { positive, record, secret } from "./leaf.ts";

export function ttsSchema() {
  return z.object({
    auto: z.enum(["off", "always", "inbound", "tagged"]).describe("When an answer is spoken."),
    provider: z.string().optional().describe("Speech service."),
    maxTextLength: positive().describe("Longest text that is spoken."),
    timeoutMs: positive().describe("Longest time of one synthesis."),
    providers: record(
      z.object({
        apiKey: secret().optional().describe("Key of the service."),
        baseUrl: z.string().optional().describe("Its address."),
        model: z.string().optional().describe("Its model."),
        voice: z.string().optional().describe("Voice."),
      }),
    ).describe("Speech services by name."),
  });
}
