/** A text judged, and two compared, without putting either in force. */
import { describe, expect, it } from "vitest";
import { testHome } from "./fixtures/home.ts";
import { diffText, validateText } from "./validate-text.ts";

describe("texts of a configuration", () => {
  it("a good text is valid, also with a warning; a bad one says where", async () => {
    const { environment } = await testHome();
    const options = { environment: environment() };
    expect(await validateText("{ gateway: { port: 1 } }", options)).toEqual({ valid: true, issues: [] });
    expect(await validateText("{ wizard: {} }", options)).toMatchObject({
      valid: true,
      issues: [{ severity: "warning", path: "wizard", line: 1 }],
    });
    expect(await validateText("{\n gateway: { port: [] } }", options)).toMatchObject({
      valid: false,
      issues: [{ severity: "error", path: "gateway.port", line: 2 }],
    });
    expect(await validateText("{\n gateway: ", options)).toMatchObject({
      valid: false,
      issues: [{ path: "", line: 2 }],
    });
    expect(await validateText("{ gateway: { auth: { mode: 'none' } } }", options)).toMatchObject({ valid: false });
  });

  it("an alias that leads back to itself is a mistake and says its way; one that leads to a model over another is none", async () => {
    const { environment } = await testHome();
    const options = { environment: environment() };
    const text = (x: string): string =>
      `{ agents: { defaults: {\n model: 'x', models: { '${x}': { alias: 'y' }, y: { alias: 'x' } } } } }`;
    expect(await validateText(text("a/b"), options)).toMatchObject({ valid: true });
    expect(await validateText(text("x"), options)).toMatchObject({
      valid: false,
      issues: [{ line: 2, message: "is an alias that leads back to itself: x → y → x" }],
    });
  });

  it("two texts are compared by what they mean: form, order and defaults written out are no difference", async () => {
    const { environment } = await testHome();
    const options = { environment: environment() };
    expect(await diffText("{ gateway: { port: 18789 } }", "{ /* the same */ logging: {} }", options)).toEqual([]);
    expect(
      await diffText(
        "{ agents: { defaults: { model: 'a/b' } } }",
        "{ agents: { defaults: { model: { primary: 'a/c' } } } }",
        options,
      ),
    ).toEqual(["agents.defaults.model.primary"]);
    await expect(diffText("{}", "{", options)).rejects.toMatchObject({ code: "CFG_001" });
  });
});
