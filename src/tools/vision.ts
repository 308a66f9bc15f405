/** How a tool has a picture looked at: by a model of the turn that calls it, and on that turn's bill. */
import { AppError } from "../domain/app-error.ts";
import type { Attachment } from "../domain/message.ts";

export interface LookRequest {
  /** Of the turn that pays. */
  readonly runId: string;
  /** With its bytes. */
  readonly attachment: Attachment;
  readonly question: string;
  readonly signal: AbortSignal;
}

/** Throws RUN_003 where no model of the turn can see or answer, with words the model can act on; RUN_001 when aborted. */
export type Look = (request: LookRequest) => Promise<string>;

export interface Vision {
  readonly look: Look;
}

/** The turns under way, each with its way to look. */
export interface VisionDesk extends Vision {
  /** From the begin of a turn's steps until the function that is returned is called; again before that replaces it. */
  open(runId: string, look: Look): () => void;
}

export function createVisionDesk(): VisionDesk {
  const turns = new Map<string, Look>();
  return {
    open(runId, look) {
      turns.set(runId, look);
      return () => {
        if (turns.get(runId) === look) turns.delete(runId);
      };
    },
    look(request) {
      const look = turns.get(request.runId);
      if (look === undefined) {
        return Promise.reject(
          new AppError("RUN_003", "Nobody can look at pictures here: no model is asked in this call."),
        );
      }
      return look(request);
    },
  };
}
