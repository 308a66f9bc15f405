import { describe, expect, it } from "vitest";
import { AppError } from "../domain/app-error.ts";
import { createOutput } from "./output.ts";

function recorded(options: { json: boolean; colour: boolean }) {
  const written = { stdout: "", stderr: "" };
  const streams = {
    stdout: { write: (text: string) => (written.stdout += text) },
    stderr: { write: (text: string) => (written.stderr += text) },
  };
  return { output: createOutput(streams, options), written };
}

describe("what a command prints", () => {
  // Clear the screen, set the title, fill the clipboard, go back over the line, and the same in single characters.
  const hostile = "a\u001b[2Jb\u001b]0;title\u0007c\u001b]52;c;cm0=\u0007d\rover\be\u009b2Jf\u007f";

  it("R102: words of models, people and servers cannot command the terminal", () => {
    const { output, written } = recorded({ json: false, colour: true });
    output.write(hostile);
    output.result(hostile, (value) => value);
    output.note(hostile);
    output.failure(new AppError("RPC_003", hostile));
    const printed = written.stdout + written.stderr;
    expect(printed).toContain("a[2Jb]0;titlec");
    expect(printed.replaceAll(/\u001b\[\d+m/g, "")).toMatch(/^[^\u0000-\u0008\u000b-\u001f\u007f-\u009f]*$/);
  });

  it("its own colours, line breaks, tabs and every script come through", () => {
    const { output, written } = recorded({ json: false, colour: true });
    output.write(`\u001b[1mhead\u001b[22m\n\tGrüße 🌍 שלום\n`);
    expect(written.stdout).toMatch(/^\u001b\[1mhead\u001b\[22m\n\tGrüße 🌍 שלום\n$/);
  });

  it("JSON tells every character as it is", () => {
    const { output, written } = recorded({ json: true, colour: false });
    output.result({ hostile }, () => "");
    expect(JSON.parse(written.stdout)).toEqual({ hostile });
  });
});
