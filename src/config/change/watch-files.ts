/**
 * Says when one of some files may have changed. Watches their folders, since editors replace a file by renaming another
 * over it, and waits until nothing has happened for a moment, so that nobody reads a half-written file.
 */
import { watch, type FSWatcher } from "node:fs";
import path from "node:path";
import type { Clock, Timer } from "../../platform/clock.ts";
import type { Log } from "../../platform/log.ts";

export interface FileWatch {
  /** Watches these instead of the former ones. */
  follow(files: readonly string[]): void;
  close(): void;
}

export interface FileWatchOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Asked each time, since it is a setting. */
  readonly debounceMs: () => number;
  readonly changed: () => void;
}

/** Where a folder cannot be watched (no handles left, some network file systems), its files are looked at this often. */
const pollMs = 2_000;

export function watchFiles(options: FileWatchOptions): FileWatch {
  const { clock, log } = options;
  const watchers = new Map<string, FSWatcher>();
  const pollers = new Map<string, Timer>();
  let names: ReadonlySet<string> = new Set();
  let pending: Timer | null = null;

  const settle = (): void => {
    pending?.cancel();
    pending = clock.after(options.debounceMs(), options.changed);
  };
  const poll = (folder: string, error: unknown): void => {
    log.warn("A configuration folder cannot be watched; it is looked at every two seconds.", { folder, error });
    watchers.get(folder)?.close();
    watchers.delete(folder);
    pollers.get(folder)?.cancel();
    pollers.set(folder, clock.every(pollMs, options.changed));
  };
  const begin = (folder: string): void => {
    try {
      const watcher = watch(folder, { persistent: false }, (_event, name) => {
        if (name === null || names.has(path.join(folder, name))) settle();
      });
      watcher.on("error", (error) => poll(folder, error));
      watchers.set(folder, watcher);
    } catch (error) {
      poll(folder, error);
    }
  };
  const end = (folder: string): void => {
    watchers.get(folder)?.close();
    watchers.delete(folder);
    pollers.get(folder)?.cancel();
    pollers.delete(folder);
  };

  return {
    follow(files) {
      names = new Set(files);
      const folders = new Set(files.map((file) => path.dirname(file)));
      for (const folder of [...watchers.keys(), ...pollers.keys()]) if (!folders.has(folder)) end(folder);
      for (const folder of folders) if (!watchers.has(folder) && !pollers.has(folder)) begin(folder);
    },
    close() {
      pending?.cancel();
      for (const folder of [...watchers.keys(), ...pollers.keys()]) end(folder);
    },
  };
}
