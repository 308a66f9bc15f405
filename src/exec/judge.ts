/**
 * May this line run: looked at in the order hard line, level, allow-list, question. Every verdict names the rule that
 * decided. What it cannot tell it asks about, and where nobody is asked it says no.
 */
import { realpath } from "node:fs/promises";
import path from "node:path";
import { isInside } from "../platform/safe-path.ts";
import type { CommandFacts, CommandVerdict, GrantProposal } from "./contract.ts";
import { commandEnvironment, cleanSearchPath, type Variables } from "./environment.ts";
import type { GrantBook } from "./grants/grant-book.ts";
import { exactPattern } from "./grants/path-pattern.ts";
import { hardLine, type HardLineFacts } from "./hard-line.ts";
import { lookalikes } from "./line/shown-text.ts";
import { isOwnFile, type OwnFiles } from "./own-files.ts";
import { isLiteral } from "./line/word-values.ts";
import { readLine, type LineReading } from "./parse.ts";
import { planCommand, type Plan } from "./plan.ts";
import { isInnocent, riskIn } from "./program/argument-rules.ts";
import { gitFolderRisk } from "./program/git-folder.ts";
import { isCommandShellScript, kindOf, kindWords, plainName } from "./program/kinds.ts";
import { isOption } from "./program/option.ts";
import { isExchangeable, type FoundProgram } from "./program/resolve-program.ts";
import { isSafeUse, safeBinNames } from "./program/safe-bins.ts";
import { rulesFor, type EffectiveRules, type ExecConfig } from "./settings.ts";

export interface JudgeDeps extends OwnFiles {
  readonly grants: GrantBook;
  readonly config: () => ExecConfig;
  readonly hostEnvironment: () => Variables;
  readonly gatewayPid: number;
}

type Readable = Exclude<LineReading, { kind: "broken" }>;

export async function judge(facts: CommandFacts, deps: JudgeDeps): Promise<CommandVerdict> {
  const { act, agentId } = facts;
  const reading = await readLine(act.text);
  if (reading.kind === "broken") {
    return denied("built-in: unreadable line", `The line ${reading.why}.`, "Give a shorter or simpler line.");
  }
  const host = deps.hostEnvironment();
  const workspace = await realOf(facts.workspace);
  const searchPath = await cleanSearchPath(host["PATH"] ?? "", [...deps.workspaces, ...deps.ownPaths]);
  const { env, dropped } = commandEnvironment(host, act.env, searchPath);
  const line: HardLineFacts = {
    cwd: await realOf(act.cwd),
    env,
    ownPaths: deps.ownPaths,
    workspaces: deps.workspaces,
    gatewayPid: deps.gatewayPid,
  };
  const end = await hardLine(reading, line);
  if (end !== null) {
    return denied(
      "built-in: hard line",
      `It would ${end}. That never runs, whoever allows it.`,
      "Do not try it another way.",
    );
  }
  const rules = rulesFor(agentId, deps.config(), await deps.grants.read());
  if (rules.security.value === "deny") {
    return denied(rules.security.where, "Commands may not run here.", "Do it without running commands.");
  }
  const named = reading.seen.commands[0]?.words[0]?.value ?? "";
  if (isCommandShellScript(named)) {
    return denied(
      "built-in: no cmd.exe",
      `${named} would be run by cmd.exe, which cannot be given words safely.`,
      "Name a program itself.",
    );
  }
  const planned = await planCommand(reading, { text: act.text, cwd: act.cwd, env });
  if (!planned.ok) return denied("built-in: nothing to run", planned.why, "");
  const [tooLarge] = planned.plan.unread;
  if (tooLarge !== undefined) {
    return denied(
      "built-in: unreadable script",
      `${tooLarge} is too large to be looked at before it runs.`,
      "Run something smaller.",
    );
  }
  return new Judgement({ facts, deps, reading, rules, plan: planned.plan, dropped, workspace }).verdict();
}

interface Parts {
  readonly facts: CommandFacts;
  readonly deps: JudgeDeps;
  readonly reading: Readable;
  readonly rules: EffectiveRules;
  readonly plan: Plan;
  readonly dropped: readonly string[];
  /** Real. */
  readonly workspace: string;
}

interface Match {
  readonly where: string;
  readonly says: string;
}

class Judgement {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async verdict(): Promise<CommandVerdict> {
    const { rules, plan, facts } = this.#parts;
    const risks = await this.#risks();
    const match = risks.length === 0 ? await this.#match() : null;
    const foreign = facts.taint.filter((taint) => taint.class === "foreign");
    const { security, ask } = rules;
    const command = plan.command;
    const isOpaque = this.#hasOpaqueName();
    if (security.value === "allowlist" && ask.value === "off" && match === null) {
      const why = [...risks, this.#missing()][0] ?? "";
      return denied(
        security.where,
        `It is not on the list, and nobody is asked (${ask.where} is off). ${why}`,
        "Use another way.",
      );
    }
    if (foreign.length > 0) {
      const read = foreign.map(({ source }) => source).join(", ");
      const reason = `The assistant has read words from outside: ${read}.`;
      return this.#asks("built-in: words from outside", [reason, ...risks], null, "deny");
    }
    const fallback = rules.fallback.value === "full" || (rules.fallback.value === "allowlist" && match !== null);
    const orElse = fallback && !isOpaque ? "allow" : "deny";
    if (ask.value === "always") {
      const reasons = ["Every command is asked about.", ...risks, ...(match === null ? [this.#missing()] : [])];
      return this.#asks(ask.where, reasons, match === null && risks.length === 0 ? this.#proposal() : null, orElse);
    }
    if (security.value === "full") {
      if (isOpaque)
        return this.#asks("built-in: unknown program", ["It cannot be told which program it would run."], null, "deny");
      return { effect: "allow", where: security.where, says: "Every command may run.", command };
    }
    if (match !== null) return { effect: "allow", where: match.where, says: match.says, command };
    const reasons = risks.length > 0 ? risks : [this.#missing()];
    return this.#asks(security.where, reasons, risks.length === 0 ? this.#proposal() : null, orElse);
  }

  #asks(
    where: string,
    reasons: readonly string[],
    always: GrantProposal | null,
    fallback: "deny" | "allow",
  ): CommandVerdict {
    const { plan, dropped } = this.#parts;
    const left = dropped.length === 0 ? [] : [`Not passed on to it: ${dropped.map(shownName).join(", ")}.`];
    const unique = [...new Set([...reasons, ...left])];
    return {
      effect: "ask",
      where,
      says: unique[0] ?? "It is asked about.",
      command: plan.command,
      reasons: unique,
      always,
      fallback,
    };
  }

  #missing(): string {
    const { plan } = this.#parts;
    return plan.program === null
      ? "A shell would run this line."
      : `${plainName(plan.program.name)} with these words is not on the list of what may run.`;
  }

  /** Why no line of any list can let it run. */
  async #risks(): Promise<readonly string[]> {
    const { reading, plan } = this.#parts;
    const words = reading.seen.commands.flatMap((call) => call.words.map((word) => word.value));
    const strange = lookalikes(words).map((word) => `${JSON.stringify(word)} has letters that look like others.`);
    if (plan.program === null) {
      const shell =
        reading.kind === "shell"
          ? reading.syntax.map((what) => `This line uses ${what}, so a shell would run it.`)
          : [`${words[0] ?? ""} is a part of the shell, so a shell would run this line.`];
      return [...shell, ...this.#kindRisks(), ...strange];
    }
    const program = plan.program;
    const words1 = plan.command.argv.slice(1);
    const found = [
      ...strange,
      ...this.#kindRisks(),
      riskIn(program.name, words1) ?? riskIn(program.pin.path, words1),
      await this.#exchangeable(program),
      await this.#touchesOwn(words1),
      plainName(program.pin.path) === "git" ? await this.#gitRisk() : null,
    ];
    return found.filter((risk) => risk !== null);
  }

  /** By the name in the line and by the file behind it, of every command in it. */
  #kindRisks(): readonly string[] {
    const { reading, plan } = this.#parts;
    const names = reading.seen.commands.flatMap(({ words }) => (words[0] === undefined ? [] : [words[0].value]));
    const real = plan.program === null ? [] : [plan.program.pin.path];
    const found = [...names, ...real].flatMap((name) => {
      const kind = kindOf(name);
      return kind === null ? [] : [kindWords(plainName(name), kind)];
    });
    return [...new Set(found)];
  }

  async #exchangeable({ name, pin }: FoundProgram): Promise<string | null> {
    const { deps } = this.#parts;
    return (await isExchangeable(pin.path, [...deps.workspaces, ...deps.ownPaths]))
      ? `${name} could be exchanged for another program: it is where others, or the assistant, can write.`
      : null;
  }

  /** The gateway's token and settings are in files, and in its environment: reading one is as good as being its owner. */
  async #touchesOwn(words: readonly string[]): Promise<string | null> {
    const { plan, deps } = this.#parts;
    const names = words.map((word) => (isOption(word) ? word.slice(word.indexOf("=") + 1) : word));
    const places = await Promise.all([".", ...names].map((name) => realOf(path.resolve(plan.command.cwd, name))));
    const goesDeep =
      words.some((word) => /^-[a-zA-Z]*[rR]|^--rec/.test(word)) || walkers.has(plainName(plan.program?.name ?? ""));
    const found = places.some(
      (place) => isOwnFile(place, deps) || (goesDeep && deps.ownPaths.some((own) => isInside(place, own))),
    );
    if (found) return "It names the gateway's own files.";
    const spies = places.some((place) => /^\/proc\/\d/.test(place) || (goesDeep && isInside(place, "/proc")));
    return spies ? "It looks into a running program: its environment and its memory are there." : null;
  }

  async #gitRisk(): Promise<string | null> {
    const risk = await gitFolderRisk(this.#parts.plan.command.cwd);
    return risk === null ? null : `The repository here ${risk}.`;
  }

  async #match(): Promise<Match | null> {
    const { facts, deps, plan, workspace } = this.#parts;
    const program = plan.program;
    if (program === null) return null;
    const words = plan.command.argv.slice(1);
    const grant = await deps.grants.find(facts.agentId, program.pin.path, words);
    if (grant !== null && (grant.entry.argv != null || isInnocent(program.pin.path, words))) {
      return { where: grant.where, says: `${plainName(program.name)} is allowed for good here.` };
    }
    const safe = deps.config().tools.exec.safeBins;
    const name = plainName(program.name);
    const isNamed = safe.includes(name) && safeBinNames.includes(name) && plainName(program.pin.path) === name;
    if (!isNamed || program.name.includes("/")) return null;
    const isSafe = await isSafeUse(name, words, { cwd: plan.command.cwd, workspace });
    return isSafe ? { where: "tools.exec.safeBins", says: `${name} only reads files of the workspace here.` } : null;
  }

  #proposal(): GrantProposal | null {
    const { plan } = this.#parts;
    const pattern = plan.program === null ? null : exactPattern(plan.program.pin.path);
    if (pattern === null) return null;
    const argv = plan.command.argv.slice(1);
    const line = [plainName(plan.program?.name ?? ""), ...argv].map(quoted).join(" ");
    return { pattern, argv, says: `${line}, exactly these words, in any folder` };
  }

  /** A program whose name only the running shell knows: nothing was looked at that could be relied on. */
  #hasOpaqueName(): boolean {
    const { reading } = this.#parts;
    return reading.seen.commands.some(({ words }) => words[0] !== undefined && !isLiteral(words[0]));
  }
}

/** They go through folders without being told to. */
const walkers = new Set(["rg", "ag", "ack", "tree", "du", "cp", "gzip", "scp"]);

function denied(where: string, says: string, advice: string): CommandVerdict {
  return { effect: "deny", where, says, message: advice === "" ? says : `${says} ${advice}` };
}

/** As one would type it. */
function quoted(word: string): string {
  return /^[\w./:,@%+=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** A variable's name as it may be shown: the call chose it. */
function shownName(name: string): string {
  return /^\w{1,64}$/.test(name) ? name : JSON.stringify(name.slice(0, 64));
}

async function realOf(place: string): Promise<string> {
  return realpath(place).catch(() => path.resolve(place));
}
