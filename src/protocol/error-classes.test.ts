import { readFile, writeFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { ErrorCodes } from "@openclaw/gateway-protocol";
import { AppError } from "../domain/app-error.ts";
import { errorCodes, type ErrorCode } from "../domain/error-codes.ts";
import { wireError } from "./error-shape.ts";
import { responseFrameSchema, typedCodec } from "./frames.ts";
import { tutorialCodec } from "./tutorial-codec.ts";

const golden = new URL("./error-classes.golden.txt", import.meta.url);

it("B3: every error class has its golden line in both dialects, with a number and a name in each", async () => {
  const lines: string[] = [];
  for (const code of Object.keys(errorCodes) as ErrorCode[]) {
    const error = wireError(new AppError(code, `example of ${code}`, { retryAfterMs: code === "SEC_008" ? 1_500 : 0 }));
    const typed = typedCodec.failure("1", error);
    const untyped = tutorialCodec.failure("1", error);
    const frame = responseFrameSchema.parse(JSON.parse(typed));
    expect(frame.error?.details).toMatchObject({ errorCode: code, number: errorCodes[code].numeric });
    expect(JSON.parse(untyped)).toMatchObject({ error: { code: errorCodes[code].numeric, reason: code } });
    lines.push(typed, untyped);
  }
  const text = `${lines.join("\n")}\n`;
  if (process.env["UPDATE"] === "1") await writeFile(golden, text);
  expect(text).toBe(await readFile(golden, "utf8"));
});

it("codes that published clients know are the ones we send", () => {
  const known: readonly string[] = Object.values(ErrorCodes);
  const ours = new Set(Object.values(errorCodes).map((row) => row.wire));
  for (const code of ours) expect(known, code).toContain(code);
});

it("R016: where the store's files lie is not told, the path of a mistake is", () => {
  const store = wireError(new AppError("STORE_002", "The disk is full.", { details: { path: "/home/x", errno: "E" } }));
  expect(store.details).toEqual({ errno: "E", errorCode: "STORE_002", number: 5002 });
  const mistake = wireError(new AppError("CFG_004", "Wrong.", { details: { path: "gateway.port" } }));
  expect(mistake.details).toMatchObject({ path: "gateway.port" });
});

it("a failure nobody foresaw tells a stranger nothing", () => {
  const error = wireError(AppError.from(new Error("ENOENT: /home/user/.openclaw/secret")));
  expect(JSON.stringify(error)).not.toContain("/home");
  expect(error.code).toBe("UNAVAILABLE");
});
