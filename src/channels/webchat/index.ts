/**
 * The built-in local channel. Its clients read the transcript and follow its events through the gateway, and write
 * through `chat.send`; so storing a reply is delivering it, there is no connection to lose, and nothing comes in here.
 */
import type { ChannelModule } from "../contract.ts";
import { AppError } from "../../domain/app-error.ts";
import { chunkMarkdown } from "../text/chunk-markdown.ts";
import { manifest, type WebchatConfig } from "./manifest.ts";

export const webchat: ChannelModule<WebchatConfig> = {
  manifest,
  async connect(_account, _link, signal) {
    if (signal.aborted) throw AppError.from(signal.reason, "CONN_001");
    let closed = false;
    return {
      async send(piece, sendSignal) {
        if (closed || sendSignal.aborted) {
          const error = new AppError("CONN_001", closed ? "The connection is closed." : "The send was called off.");
          return { outcome: "not-sent", error };
        }
        return { outcome: "sent", platformMessageId: piece.id };
      },
      async probe() {
        if (closed) throw new AppError("CONN_001", "The connection is closed.");
      },
      async close() {
        closed = true;
      },
    };
  },
  /** The page renders Markdown itself. */
  render: (markdown, options) =>
    chunkMarkdown(markdown, options).flatMap(({ text }) => (text === "" ? [] : [{ text }])),
};
