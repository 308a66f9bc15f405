/** What a line is, and that each of the two readers would do alone. */
import { expect, test } from "vitest";
import { limits } from "../domain/limits.ts";
import { bypasses } from "./fixtures/bypasses.ts";
import { plainWords } from "./line/plain-words.ts";
import { lookalikes, unshowable } from "./line/shown-text.ts";
import { readLine } from "./parse.ts";

test("P12: what the parser sees a shell in, the narrow reader takes for no words, without asking the parser", async () => {
  const lines = Object.values(bypasses).flatMap((attempts) => attempts.map(([line]) => line));
  let seen = 0;
  for (const line of lines) {
    const reading = await readLine(line);
    if (reading.kind !== "shell") continue;
    seen += 1;
    expect([line, plainWords(line)]).toEqual([line, null]);
  }
  expect(seen).toBeGreaterThan(80);
});

test("P12: plain lines are their words, quotes taken off", async () => {
  const lines: readonly (readonly [string, readonly string[]])[] = [
    ["ls", ["ls"]],
    ["  ls\t-la \n", ["ls", "-la"]],
    ["echo 'a b' \"c d\" e\\ f", ["echo", "a b", "c d", "e f"]],
    ["echo a'b'\"c\"", ["echo", "abc"]],
    ["echo '' \"\"", ["echo", "", ""]],
    ["echo 'a\nb'", ["echo", "a\nb"]],
    ['echo "a\\"b\\\\c\\$d"', ["echo", 'a"b\\c$d']],
    ["echo ';' '|' '$x' \\;", ["echo", ";", "|", "$x", ";"]],
    ["dd of=x --a=b", ["dd", "of=x", "--a=b"]],
    ["echo grüße 日本", ["echo", "grüße", "日本"]],
    ["echo ❤️", ["echo", "❤️"]],
    ["export a=1", ["export", "a=1"]],
  ];
  for (const [line, words] of lines)
    expect([line, await readLine(line)]).toEqual([line, expect.objectContaining({ kind: "plain", words })]);
});

test("P12: every command is found, however deep it stands, and what it writes to", async () => {
  const lines: readonly (readonly [string, readonly string[]])[] = [
    ["a; b && c || d | e", ["a", "b", "c", "d", "e"]],
    ['a $(b `c`) "$(d)" <(e)', ["a", "b", "c", "d", "e"]],
    ["if a; then b; elif c; then d; else e; fi", ["a", "b", "c", "d", "e"]],
    ["while a; do b; done; for i in $(c); do d; done", ["a", "b", "c", "d"]],
    ["case $(a) in x) b;; *) c;; esac", ["a", "b", "c"]],
    ["f() { a; (b); { c; }; }", ["a", "b", "c"]],
    ['a > $(b) < $(c) 2> "$(d)"', ["a", "b", "c", "d"]],
    ["cat <<E\n$(a)\nE", ["cat", "a"]],
    ["x=$(a) y=${z:-$(b)} c[$(d)]=1", ["a", "b", "d"]],
    ["echo $(( $(a) + 1 )); (( $(b) )); [[ -n $(c) ]]", ["echo", "a", "b", "c"]],
    ["coproc a; ! b; time c", ["a", "b", "c"]],
    ["a {1,$(b)} *$(c)", ["a", "b", "c"]],
  ];
  for (const [line, names] of lines) {
    const reading = await readLine(line);
    if (reading.kind === "broken") throw new Error(`${line} ${reading.why}`);
    const found = reading.seen.commands.flatMap(({ words }) => words[0]?.value ?? []);
    expect([line, new Set(found)]).toEqual([line, new Set(names)]);
  }
  const writes = await readLine("a > b; c >> d 2>&1; (e >| f) &> g; h < i");
  expect(writes.kind === "shell" && writes.seen.written.map((word) => word.value)).toEqual(
    expect.arrayContaining(["b", "d", "f", "g"]),
  );
  expect(writes.kind === "shell" && writes.seen.written.map((word) => word.value)).not.toContain("i");
});

test("R114: what cannot be seen cannot be shown, and letters that look like others are told", () => {
  for (const hidden of "\u0000\u0007\u001B\u007F\u0085\u00A0\u00AD\u034F\u061C\u115F\u200B\u200D\u200E\u202E\u2028\u2066\u2800\u3164\uFEFF\uFFA0\uE000\uFFFF\r\v\f") {
    expect([hidden, unshowable(`ls ${hidden}x`)]).toEqual([hidden, expect.stringContaining("cannot be seen")]);
  }
  expect(unshowable("ls \uD800")).toContain("half");
  for (const fine of ["ls\t-l\n", "echo grüße 日本 ❤️ ☀️", "echo 'é'"]) expect(unshowable(fine)).toBeNull();
  expect(unshowable("ls \uFE0F")).not.toBeNull();
  const words = ["git", "g\u0456t", "пример", "日本git", "\u{1D400}b", "\uFF41ls"];
  expect(lookalikes(words)).toEqual(["g\u0456t", "\u{1D400}b", "\uFF41ls"]);
});

test("P12: a line has no more parts than its limit, and no deeper ones", async () => {
  // A script, and for each command a statement, the command and its name.
  const most = Math.floor((limits.commandNodes - 1) / 3);
  expect(await readLine("a;".repeat(most))).toMatchObject({ kind: "shell" });
  expect(await readLine("a;".repeat(most + 1))).toMatchObject({
    kind: "broken",
    why: expect.stringContaining("too many parts"),
  });
  // Three above the first word, and five for each level: a substitution, its script, a statement, a command, a word.
  const deep = (levels: number): string => `${"a $(".repeat(levels)}a${")".repeat(levels)}`;
  const kinds = await Promise.all([1, 5, 9, 10, 200].map(async (levels) => (await readLine(deep(levels))).kind));
  expect(kinds).toEqual(["shell", "shell", "shell", "broken", "broken"]);
});
