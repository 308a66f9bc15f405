/** A closed loop of HTTP requests: each worker sends the next one when the answer to the last is complete. */
import { Agent, request } from "node:http";
import { statsOf, type Stats } from "./stats.ts";

export interface LoadOptions {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly concurrency: number;
  readonly count: number;
  /** The workers begin spread over this time; all at once where absent. */
  readonly rampMs?: number;
}

export interface LoadResult {
  readonly latencyMs: Stats;
  readonly perSecond: number;
}

/** Throws on the first answer that is not 200: a fast error is no result. */
export async function httpLoad(options: LoadOptions): Promise<LoadResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: options.concurrency });
  const latencies: number[] = [];
  let left = options.count;
  const started = performance.now();
  const worker = async (index: number): Promise<void> => {
    const waitMs = ((options.rampMs ?? 0) * index) / options.concurrency;
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    while (left > 0) {
      left -= 1;
      const from = performance.now();
      await post(options, agent);
      latencies.push(performance.now() - from);
    }
  };
  try {
    await Promise.all(Array.from({ length: options.concurrency }, (_, index) => worker(index)));
  } finally {
    agent.destroy();
  }
  return { latencyMs: statsOf(latencies), perSecond: options.count / ((performance.now() - started) / 1_000) };
}

function post({ url, headers, body }: LoadOptions, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    const call = request(
      url,
      {
        method: "POST",
        agent,
        headers: { "content-type": "application/json", "content-length": Buffer.byteLength(body), ...headers },
      },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          text += chunk;
        });
        response.on("end", () => {
          if (response.statusCode === 200) resolve();
          else reject(new Error(`${url} answered ${response.statusCode}: ${text.slice(0, 300)}`));
        });
        response.on("error", reject);
      },
    );
    call.on("error", reject);
    call.end(body);
  });
}
