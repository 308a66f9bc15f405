/**
 * Goes on as another program: in place where Node can (process.execve), otherwise as a child that gets our terminal,
 * our signals and our end, and whose exit code or fatal signal becomes ours.
 * Plain JavaScript for any Node that can load an ES module, because an old Node is why it is called.
 */

/** Returns only after the program has ended as our child; rejects where it could not be started. */
export async function replaceProcess(file, args, env = process.env) {
  if (typeof process.execve === "function" && process.platform !== "win32") {
    // The feature is marked experimental; the user of a command line has no use for that line.
    process.removeAllListeners("warning");
    process.execve(file, [file, ...args], env);
  }
  const { spawn } = await import("child_process");
  const child = spawn(file, args, { stdio: ["inherit", "inherit", "inherit", "ipc"], env });
  for (const signal of signalsToForward()) process.on(signal, () => child.kill(signal));
  await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      endLike(code, signal);
      resolve();
    });
  });
}

/** For bin/openclaw.mjs alone, which takes it out of its environment again: who launched it. */
export function launcherEnvironment() {
  return Object.assign({}, process.env, { OPENCLAW_LAUNCHER_PID: String(process.pid) });
}

/**
 * Called by a program that replaceProcess started, with the pid it was given. `kill -9` of the launcher cannot be
 * forwarded: its closed channel is how we learn of it, and we end the same abrupt way, so that nobody's lock
 * outlives it. Does nothing where the launcher was replaced in place.
 */
export function dieWith(launcher) {
  if (process.channel === undefined || launcher !== String(process.ppid)) return;
  process.once("disconnect", () => process.kill(process.pid, "SIGKILL"));
  process.channel.unref();
}

function signalsToForward() {
  const always = ["SIGTERM", "SIGHUP", "SIGUSR2"];
  // Ctrl-C on a terminal reaches the whole foreground group: forwarding it would make two out of one.
  return process.stdin.isTTY ? always : always.concat("SIGINT");
}

function endLike(code, signal) {
  if (signal === null) {
    process.exit(code);
  }
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}
