/** A real browser for tests of pages, where the machine has one. */
import { existsSync } from "node:fs";
import { chromium, type Browser } from "playwright-core";

const executablePath = "/usr/bin/chromium";

/** Null, with the reason told, where there is none; an error where the machine promised to have one. */
export async function openBrowser(): Promise<Browser | null> {
  if (!existsSync(executablePath)) {
    const reason = `No browser at ${executablePath}: apt-get install chromium.`;
    if (process.env["OPENCLAW_TEST_SERVICES"] === "required") throw new Error(reason);
    process.stderr.write(`skipped: ${reason}\n`);
    return null;
  }
  return chromium.launch({
    executablePath,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}
