/**
 * Whether an answer leaves while it is written, and how: in blocks, as one message that grows, or whole. Also a whole one
 * is told what an earlier attempt has said before it was interrupted.
 */
import type { OpenReplyStream, ReplyStream } from "../../agent/contract.ts";
import { AppError } from "../../domain/app-error.ts";
import type { ChannelManifest } from "../../channels/contract.ts";
import type { DeliverySettings } from "../../domain/delivery-policy.ts";
import { createBlockStream } from "./block-stream.ts";
import type { ReplyStreamDeps, StreamScope } from "./contract.ts";
import { createDraftStream } from "./draft-stream.ts";
import { takeOver } from "./earlier-attempt.ts";

export function createReplyStreams(deps: ReplyStreamDeps): OpenReplyStream {
  return (row, lease) => {
    const { address } = row.message;
    const manifest = deps.manifest(address.channel);
    const settings = deps.settings(address);
    if (row.ephemeral || manifest === undefined) return null;
    // What a person has to allow is allowed as a whole, and what nobody sends is not begun.
    if (deps.initialStateOf(address) !== "prepared" || settings.policy.permission !== "allow") return null;
    const scope: StreamScope = { row, lease, manifest, settings, deps };
    switch (streamingOf(settings, manifest)) {
      case "block":
        return createBlockStream(scope);
      case "edit":
        return createDraftStream(scope);
      case "off":
        return lease.epoch > 1 ? createWholeStream(scope) : null;
    }
  };
}

function streamingOf(
  { streaming }: DeliverySettings,
  { capabilities }: ChannelManifest,
): DeliverySettings["streaming"] {
  return streaming === "edit" && !capabilities.edits ? "off" : streaming;
}

/** Says nothing by itself; the settings may have been others when the attempt before this one began. */
function createWholeStream(scope: StreamScope): ReplyStream {
  const preface = takeOver(scope, false).then(
    (earlier) => earlier.preface,
    (thrown: unknown) => {
      const error = AppError.from(thrown).toJSON();
      scope.deps.log.warn("what an earlier attempt has said is not known", { runId: scope.row.runId, error });
      return null;
    },
  );
  return {
    update: () => undefined,
    restart: () => undefined,
    end: async () => ({ saidChars: 0, draftMessageId: null, preface: await preface }),
  };
}
