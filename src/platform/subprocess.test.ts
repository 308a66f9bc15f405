/** A program runs within its limits, and nothing of it stays behind. */
import { readdir, readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { run, type RunOptions } from "./subprocess.ts";

const env = { PATH: "/usr/bin:/bin" };
const limits: RunOptions = { env, timeoutMs: 10_000, maxOutputBytes: 1_000_000 };

/** Processes by a predicate over their parent, group and command line. */
async function processes(
  matches: (fields: { ppid: number; state: string; command: string }) => boolean,
): Promise<number[]> {
  const found: number[] = [];
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const line = await readFile(`/proc/${name}/stat`, "latin1").catch(() => "");
    const command = await readFile(`/proc/${name}/cmdline`, "latin1").catch(() => "");
    const [state = "", ppid = "0"] = line.slice(line.lastIndexOf(")") + 2).split(" ");
    if (line !== "" && matches({ ppid: Number(ppid), state, command })) found.push(Number(name));
  }
  return found;
}

const zombies = (): Promise<number[]> => processes(({ ppid, state }) => ppid === process.pid && state === "Z");

describe("run", () => {
  it("gives back output, exit code and what was written to it", async () => {
    const result = await run(["sh", "-c", "cat; echo problem >&2; exit 3"], { ...limits, stdin: "söme input" });
    expect(result).toMatchObject({ exitCode: 3, signal: null });
    expect(result.stdout.toString()).toBe("söme input");
    expect(result.stderr.toString()).toBe("problem\n");
  });

  it("R108: words are words, whatever is in them", async () => {
    const words = ["$(touch /tmp/x)", "`id`", "; id", "a b", "*", "&& id", "\n", "'\"", "-n", "💥"];
    const result = await run(["printf", "%s\\0", ...words], limits);
    expect(result.stdout.toString()).toBe(words.map((word) => `${word}\0`).join(""));
  });

  it("R118: the child sees the environment that it was given and nothing else", async () => {
    const result = await run(["env"], { ...limits, env: { PATH: "/usr/bin:/bin", ONE: "1" } });
    expect(result.stdout.toString().trim().split("\n").sort()).toEqual(["ONE=1", "PATH=/usr/bin:/bin"]);
  });

  it("A16: over its time it is ended with everything it started", async () => {
    const mark = "86401.7";
    const startedMs = performance.now();
    await expect(
      run(["sh", "-c", `sleep ${mark} & sleep ${mark} & sh -c 'sleep ${mark}; true' & wait`], {
        ...limits,
        timeoutMs: 300,
      }),
    ).rejects.toMatchObject({ code: "SYS_004", details: { timeoutMs: 300 } });
    expect(performance.now() - startedMs).toBeLessThan(5_000);
    await expect
      .poll(() => processes(({ command, state }) => command.includes(mark) && state !== "Z"), { timeout: 5_000 })
      .toEqual([]);
  });

  it("A16: over its output it is ended with everything it started, and no more is kept than allowed", async () => {
    await expect(run(["sh", "-c", "yes & yes"], { ...limits, maxOutputBytes: 100_000 })).rejects.toMatchObject({
      code: "SYS_004",
      details: { maxOutputBytes: 100_000 },
    });
    await expect
      .poll(() => processes(({ command, ppid }) => command === "yes\0" && (ppid === process.pid || ppid === 1)), {
        timeout: 5_000,
      })
      .toEqual([]);
    const result = await run(["head", "-c", "100000", "/dev/zero"], { ...limits, maxOutputBytes: 100_000 });
    expect(result.stdout).toHaveLength(100_000);
  });

  it("A16: a grandchild that keeps the pipe open does not hold the caller beyond the limit", async () => {
    const startedMs = performance.now();
    await expect(run(["setsid", "sh", "-c", "sleep 3 & exit 0"], { ...limits, timeoutMs: 300 })).rejects.toMatchObject({
      code: "SYS_004",
    });
    expect(performance.now() - startedMs).toBeLessThan(2_500);
  });

  // 250 runs, eight at a time, stand for 1,000: that took 1.7 s on an idle machine and 20 s on a crowded one.
  it("A16: no zombie is left after hundreds of runs, whether they end well, badly or by a limit", async () => {
    const commands = [["true"], ["false"], ["sh", "-c", "kill -9 $$"], ["no-such-program-anywhere"], ["sleep", "60"]];
    let next = 0;
    const outcomes = new Map<string, number>();
    const worker = async (): Promise<void> => {
      while (next < 250) {
        const argv = commands[next++ % commands.length]!;
        const outcome = await run(argv, { ...limits, timeoutMs: argv[0] === "sleep" ? 20 : 10_000 }).then(
          (result) => `${result.exitCode} ${result.signal}`,
          (error: { code: string }) => error.code,
        );
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      }
    };
    await Promise.all(Array.from({ length: 8 }, worker));
    expect(Object.fromEntries(outcomes)).toEqual({
      "0 null": 50,
      "1 null": 50,
      "null SIGKILL": 50,
      SYS_008: 50,
      SYS_004: 50,
    });
    await expect.poll(zombies, { timeout: 5_000 }).toEqual([]);
    expect(await processes(({ ppid, command }) => ppid === process.pid && command.startsWith("sleep"))).toEqual([]);
  });

  it("stops on a signal, before it starts and while it runs", async () => {
    const controller = new AbortController();
    const running = run(["sleep", "60"], { ...limits, signal: controller.signal });
    controller.abort(new Error("asked to"));
    await expect(running).rejects.toMatchObject({ code: "RUN_001" });
    await expect(run(["sleep", "60"], { ...limits, signal: controller.signal })).rejects.toMatchObject({
      code: "RUN_001",
    });
  });

  it("does not fall over a child that never reads what it is given", async () => {
    const result = await run(["true"], { ...limits, stdin: Buffer.alloc(5_000_000) });
    expect(result.exitCode).toBe(0);
  });

  it.each([[["/no/such/program"]], [["/etc/passwd"]], [[""]], [[]], [["printf", "a\0b"]]])(
    "says by code that command %# cannot be started",
    async (argv) => {
      await expect(run(argv, limits)).rejects.toMatchObject({ code: "SYS_008" });
    },
  );

  it("says by code that a folder to start in is missing", async () => {
    await expect(run(["true"], { ...limits, cwd: "/no/such/folder" })).rejects.toMatchObject({ code: "SYS_008" });
  });
});
