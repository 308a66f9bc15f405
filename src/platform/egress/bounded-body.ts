/** A response's body within limits: so many bytes in all, so long between two of them. What is over is not read. */
import { AppError } from "../../domain/app-error.ts";
import type { Clock } from "../clock.ts";

export interface BodyLimits {
  readonly maxBytes: number;
  readonly idleTimeoutMs: number;
  /** Ends the request underneath, with the reason that the reader then gets. */
  readonly abort: (reason: AppError) => void;
  /** The reason why the request was ended, where it was. */
  readonly reason: () => AppError | null;
  /** Called once, when nothing more will be read. */
  readonly onEnd: () => void;
  readonly clock: Clock;
}

/** Throws MSG_003 at once where the server announces too much. The stream given back errors with AppErrors alone. */
export function boundedBody(response: Response, limits: BodyLimits): ReadableStream<Uint8Array> | null {
  const announced = Number(response.headers.get("content-length") ?? "0");
  if (announced > limits.maxBytes && response.body !== null) {
    const error = tooLarge(limits.maxBytes);
    limits.abort(error);
    limits.onEnd();
    throw error;
  }
  if (response.body === null) {
    limits.onEnd();
    return null;
  }
  return boundedStream(response.body.getReader(), limits);
}

function boundedStream(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  limits: BodyLimits,
): ReadableStream<Uint8Array> {
  let received = 0;
  const fail = (error: AppError): never => {
    limits.abort(error);
    limits.onEnd();
    throw error;
  };
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const chunk = await readInTime(reader, limits).catch((error: unknown) =>
        fail(limits.reason() ?? AppError.from(error, "CONN_001")),
      );
      if (chunk.done) {
        limits.onEnd();
        controller.close();
        return;
      }
      received += chunk.value.length;
      // Counted after decompression: a small download must not become a large one in memory.
      if (received > limits.maxBytes) fail(tooLarge(limits.maxBytes));
      controller.enqueue(chunk.value);
    },
    async cancel(reason) {
      await reader.cancel(reason);
      limits.onEnd();
    },
  });
}

/** The clock runs only while the server is waited for: a reader may take its time. */
async function readInTime(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  limits: BodyLimits,
): ReturnType<typeof reader.read> {
  const { idleTimeoutMs } = limits;
  const timer = limits.clock.after(idleTimeoutMs, () =>
    limits.abort(new AppError("CONN_001", `The server sent nothing for ${idleTimeoutMs} ms.`)),
  );
  try {
    return await reader.read();
  } finally {
    timer.cancel();
  }
}

function tooLarge(maxBytes: number): AppError {
  return new AppError("MSG_003", `The answer is larger than ${maxBytes} bytes.`, { details: { maxBytes } });
}
