/**
 * The thread that has every agent's index of one gateway. Answers as it can: a question of one agent does not wait for a
 * look at another's files. A file that turns out to be damaged is thrown away, made again, and asked once more.
 */
import { parentPort } from "node:worker_threads";
import { AppError } from "../../domain/app-error.ts";
import { systemClock } from "../../platform/clock.ts";
import { AgentIndex } from "./agent-index.ts";
import type { CallName, Calls, Place, Question, Reply } from "./calls.ts";
import { isFull, isUnusable, openIndex, removeIndex } from "./open-index.ts";

// A report of a crash has a part for each thread, and each would list the environment with its keys.
if (process.report !== undefined) process.report.excludeEnv = true;
serve();

function serve(): void {
  const port = parentPort;
  if (port === null) return;
  const post = (reply: Reply): void => port.postMessage(reply);
  const shelf = createShelf((log, fields) => post({ log, fields }));
  port.on("message", ({ id, name, args }: Question) => {
    shelf.answer(name, args).then(
      (value) => {
        post({ id, value });
        if (name === "close") port.close();
      },
      (thrown: unknown) => post({ id, error: failure(thrown).toJSON() }),
    );
  });
}

type Log = (message: string, fields: Readonly<Record<string, unknown>>) => void;

function createShelf(log: Log) {
  const clock = systemClock();
  const opened = new Map<string, Promise<AgentIndex>>();

  function of(place: Place): Promise<AgentIndex> {
    let index = opened.get(place.file);
    if (index === undefined) {
      index = open(place, log).then((made) => new AgentIndex(place, made, clock));
      opened.set(place.file, index);
      // What could not be opened now may be opened later.
      index.catch(() => opened.delete(place.file));
    }
    return index;
  }

  async function again(place: Place, broken: AgentIndex, reason: string): Promise<AgentIndex> {
    // Two calls may find out at the same time: the second takes what the first one made.
    if ((await opened.get(place.file)) === broken) {
      log("the index of a memory was damaged and is made anew", { agentId: place.agentId, reason });
      broken.close();
      opened.set(
        place.file,
        removeIndex(place.file)
          .then(() => open(place, log))
          .then((made) => new AgentIndex(place, made, clock)),
      );
      await (await of(place)).look({ all: true, nowMs: clock.nowMs() });
    }
    return of(place);
  }

  return {
    async answer(name: CallName, args: unknown): Promise<unknown> {
      if (name === "close") {
        for (const index of opened.values()) (await index.catch(() => null))?.close();
        return null;
      }
      const { place } = args as { place: Place };
      const index = await moved(await of(place), place);
      try {
        return await run(index, name, args);
      } catch (thrown) {
        if (!isUnusable(thrown)) throw thrown;
        return run(await again(place, index, String(thrown)), name, args);
      }
    },
  };

  /** The workspace of an agent may be another one since: its files are looked at anew. */
  async function moved(index: AgentIndex, place: Place): Promise<AgentIndex> {
    if (index.place.workspace === place.workspace) return index;
    index.close();
    opened.delete(place.file);
    return of(place);
  }
}

function open(place: Place, log: Log) {
  return openIndex(place.file, {
    extension: async () => (await import("sqlite-vec")).getLoadablePath(),
    onThrownAway: (reason) =>
      log("the index of a memory cannot be used and is made anew", { agentId: place.agentId, reason }),
  });
}

async function run(index: AgentIndex, name: Exclude<CallName, "close">, args: unknown): Promise<unknown> {
  // The one caller is `index-link.ts`, whose types tie each name to its arguments.
  const given = args as never;
  switch (name) {
    case "look":
      return index.look(given as Calls["look"]["args"]);
    case "search":
      return index.search(given as Calls["search"]["args"]);
    case "read":
      return index.read(given as Calls["read"]["args"]);
    case "forget":
      return index.forget(given as Calls["forget"]["args"]);
    case "state":
      return index.state();
    case "spaces":
      return index.spaces();
    case "pending":
      return index.pending(given as Calls["pending"]["args"]);
    case "keep":
      return index.keep(given as Calls["keep"]["args"]);
  }
}

function failure(thrown: unknown): AppError {
  if (isFull(thrown)) return new AppError("STORE_002", "The disk is full: the index of the memory stands still.");
  return AppError.from(thrown, "STORE_001");
}
