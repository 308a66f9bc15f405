/**
 * What was allowed for good, by agent. The store has the truth; `exec-approvals.json` of the state directory is read once,
 * where the store knows nothing yet, and written when somebody asks for it. One change at a time.
 */
import path from "node:path";
import { AppError } from "../../domain/app-error.ts";
import { limits } from "../../domain/limits.ts";
import { readFileBounded, writeFileAtomic } from "../../platform/atomic-file.ts";
import type { Clock, Timer } from "../../platform/clock.ts";
import type { Ids } from "../../platform/ids.ts";
import type { Log } from "../../platform/log.ts";
import type { DocumentStore } from "../../store/document-port.ts";
import type { ApprovalsSnapshot, GrantContext, GrantProposal, PlannedCommand } from "../contract.ts";
import {
  approvalsHash,
  checkApprovals,
  emptyApprovals,
  readApprovals,
  withoutToken,
  type AllowEntry,
  type ApprovalsFile,
} from "./approvals-file.ts";
import { approvalsFile } from "./file-place.ts";
import { isUsablePattern, matchesPattern } from "./path-pattern.ts";

export interface GrantBookDeps {
  readonly documents: DocumentStore;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly stateDir: string;
  readonly homeDir: string | undefined;
}

export interface FoundGrant {
  readonly entry: AllowEntry;
  /** `exec-approvals:agents.main.allowlist[2]`. */
  readonly where: string;
}

export class GrantBook {
  readonly #deps: GrantBookDeps;
  readonly path: string;
  #file: Promise<ApprovalsFile> | null = null;
  #changes: Promise<unknown> = Promise.resolve();
  /** By agent and id: last uses that are not written yet. */
  readonly #uses = new Map<string, { agentId: string; id: string; entry: Partial<AllowEntry> }>();
  #timer: Timer | null = null;

  constructor(deps: GrantBookDeps) {
    this.#deps = deps;
    this.path = path.join(deps.stateDir, approvalsFile.name);
  }

  /** Reads the store, and the file where the store has none. Later calls give what is known. */
  read(): Promise<ApprovalsFile> {
    this.#file ??= this.#load().catch((error: unknown) => {
      this.#file = null;
      throw error;
    });
    return this.#file;
  }

  async snapshot(): Promise<ApprovalsSnapshot> {
    const file = await this.read();
    const stored = await this.#deps.documents.get(namespace, key);
    return { path: this.path, exists: stored !== undefined, hash: approvalsHash(file), file: withoutToken(file) };
  }

  /** Throws RPC_003 for a bad shape, CFG_005 where it is no longer what the caller read. */
  replace(value: unknown, baseHash: string | null): Promise<ApprovalsSnapshot> {
    return this.#change(async (current) => {
      const stored = await this.#deps.documents.get(namespace, key);
      if (baseHash === null ? stored !== undefined : baseHash !== approvalsHash(current)) {
        throw new AppError(
          "CFG_005",
          "The allow-list changed since it was read; read it again and give its hash as baseHash.",
        );
      }
      const wanted = checkApprovals(value, current);
      return withKeptUses({ ...wanted, ...tokenOf(wanted, current) }, current, this.#deps.ids);
    }).then(() => this.snapshot());
  }

  /** The first line of the agent's list, then of everybody's, that matches now. */
  async find(agentId: string, realPath: string, words: readonly string[]): Promise<FoundGrant | null> {
    const file = await this.read();
    for (const owner of agentId === "*" ? ["*"] : [agentId, "*"]) {
      for (const [index, entry] of (file.agents[owner]?.allowlist ?? []).entries()) {
        if (entry.expiresAt != null && entry.expiresAt <= this.#deps.clock.nowMs()) continue;
        if (!matchesPattern(entry.pattern, realPath, this.#deps.homeDir)) continue;
        const exact =
          entry.argv == null ||
          (entry.argv.length === words.length && entry.argv.every((word, at) => word === words[at]));
        if (exact) return { entry, where: `exec-approvals:agents.${owner}.allowlist[${index}]` };
      }
    }
    return null;
  }

  async add(
    agentId: string,
    proposal: Pick<GrantProposal, "pattern" | "argv">,
    context: GrantContext,
  ): Promise<AllowEntry> {
    if (!isUsablePattern(proposal.pattern)) {
      throw new AppError(
        "RPC_003",
        `${JSON.stringify(proposal.pattern)} must be an absolute path, or a pattern of one, without "..".`,
      );
    }
    const entry: AllowEntry = {
      id: this.#deps.ids.uuid(),
      pattern: proposal.pattern,
      argv: proposal.argv === null ? null : [...proposal.argv],
      by: context.by,
      createdAt: context.atMs,
      expiresAt: context.expiresMs,
    };
    await this.#change((current) => {
      const agent = current.agents[agentId] ?? {};
      const list = (agent.allowlist ?? []).filter((other) => !isSameGrant(other, entry));
      if (list.length >= limits.commandGrants) {
        throw new AppError(
          "RPC_003",
          `The list of ${agentId} has ${limits.commandGrants} lines already; remove some first.`,
        );
      }
      return { ...current, agents: { ...current.agents, [agentId]: { ...agent, allowlist: [...list, entry] } } };
    });
    return entry;
  }

  /** False where there is none. */
  async remove(agentId: string, id: string): Promise<boolean> {
    let removed = false;
    await this.#change((current) => {
      const agent = current.agents[agentId] ?? {};
      const list = (agent.allowlist ?? []).filter((entry) => entry.id !== id);
      removed = list.length < (agent.allowlist ?? []).length;
      return removed
        ? { ...current, agents: { ...current.agents, [agentId]: { ...agent, allowlist: list } } }
        : current;
    });
    return removed;
  }

  /** Kept in memory and written a little later: a grant is used far more often than it is looked at. */
  async used(agentId: string, command: PlannedCommand): Promise<void> {
    const [program] = command.programs;
    if (program === undefined || command.usesShell) return;
    const found = await this.find(agentId, program.path, command.argv.slice(1));
    const id = found?.entry.id;
    if (found === null || id === undefined) return;
    const owner = /agents\.(.*)\.allowlist/.exec(found.where)?.[1] ?? agentId;
    this.#uses.set(`${owner}\n${id}`, {
      agentId: owner,
      id,
      entry: { lastUsedAt: this.#deps.clock.nowMs(), lastUsedCommand: command.text, lastResolvedPath: program.path },
    });
    this.#timer ??= this.#deps.clock.after(limits.grantUseWriteMs, () => {
      this.flush().catch((error: unknown) => {
        this.#deps.log.warn("the last use of what is allowed for good could not be written", { error });
      });
    });
  }

  /** Writes what is still in memory. */
  async flush(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#uses.size === 0) return;
    const uses = [...this.#uses.values()];
    this.#uses.clear();
    await this.#change((current) => {
      const agents = { ...current.agents };
      for (const { agentId, id, entry } of uses) {
        const agent = agents[agentId];
        if (agent === undefined) continue;
        const allowlist = (agent.allowlist ?? []).map((one) => (one.id === id ? { ...one, ...entry } : one));
        agents[agentId] = { ...agent, allowlist };
      }
      return { ...current, agents };
    });
  }

  /** Writes `exec-approvals.json` for its owner alone. Throws STORE_001 and STORE_002. */
  async export(): Promise<string> {
    await this.flush();
    await writeFileAtomic(this.path, `${JSON.stringify(await this.read(), null, 2)}\n`);
    return this.path;
  }

  #change(make: (current: ApprovalsFile) => ApprovalsFile | Promise<ApprovalsFile>): Promise<void> {
    const next = this.#changes.then(async () => {
      const current = await this.read();
      const file = await make(current);
      if (file === current) return;
      await this.#deps.documents.put(namespace, key, file, this.#deps.clock.nowMs());
      this.#file = Promise.resolve(file);
    });
    this.#changes = next.catch(() => "the caller was told");
    return next;
  }

  async #load(): Promise<ApprovalsFile> {
    const { documents, log, clock } = this.#deps;
    const stored = await documents.get(namespace, key);
    if (stored !== undefined) {
      const read = readApprovals(stored);
      if (!read.ok)
        throw new AppError("STORE_001", `What was allowed for good cannot be read from the store: ${read.why}`);
      return read.file;
    }
    const found = await this.#fromFile();
    if (found === null) return emptyApprovals;
    const file = withIds(found, this.#deps.ids);
    await documents.put(namespace, key, file, clock.nowMs());
    const lines = Object.values(file.agents).flatMap(({ allowlist = [] }) => allowlist);
    const useless = lines.filter(({ pattern }) => !isUsablePattern(pattern)).map(({ pattern }) => pattern);
    log.info("exec-approvals.json was taken over", { path: this.path, lines: lines.length });
    if (useless.length > 0)
      log.warn("lines of exec-approvals.json name no absolute path and allow nothing", { patterns: useless });
    return file;
  }

  /** Null where there is none, or none that can be used: that is said, and the file stays as it is. */
  async #fromFile(): Promise<ApprovalsFile | null> {
    try {
      const bytes = await readFileBounded(this.path, limits.execApprovalsBytes);
      if (bytes === null) return null;
      const read = readApprovals(JSON.parse(bytes.toString("utf8")));
      if (read.ok) return read.file;
      this.#warn(read.why);
    } catch (error) {
      this.#warn(error instanceof Error ? error.message : String(error));
    }
    return null;
  }

  #warn(why: string): void {
    this.#deps.log.warn("exec-approvals.json cannot be read; nothing of it is in force, and it was not changed", {
      path: this.path,
      why,
    });
  }
}

const { namespace, key } = approvalsFile;

function isSameGrant(left: AllowEntry, right: AllowEntry): boolean {
  return left.pattern === right.pattern && JSON.stringify(left.argv ?? null) === JSON.stringify(right.argv ?? null);
}

/** What is read over the wire has no token; what is written back keeps the one there is. */
function tokenOf(wanted: ApprovalsFile, current: ApprovalsFile): Pick<ApprovalsFile, "socket"> {
  const token = wanted.socket?.token ?? current.socket?.token;
  if (token === undefined) return wanted.socket === undefined ? {} : { socket: wanted.socket };
  return { socket: { ...current.socket, ...wanted.socket, token } };
}

function withIds(file: ApprovalsFile, ids: Ids): ApprovalsFile {
  const agents = Object.entries(file.agents).map(([agentId, agent]) => {
    if (agent.allowlist === undefined) return [agentId, agent] as const;
    const seen = new Set<string>();
    const allowlist = agent.allowlist.map((entry) => {
      const id = entry.id === undefined || seen.has(entry.id) ? ids.uuid() : entry.id;
      seen.add(id);
      return { ...entry, id };
    });
    return [agentId, { ...agent, allowlist }] as const;
  });
  return { ...file, agents: Object.fromEntries(agents) };
}

/** Uses that were written while somebody edited the rest are not taken back. */
function withKeptUses(wanted: ApprovalsFile, current: ApprovalsFile, ids: Ids): ApprovalsFile {
  const file = withIds(wanted, ids);
  for (const [agentId, agent] of Object.entries(file.agents)) {
    const known = new Map((current.agents[agentId]?.allowlist ?? []).map((entry) => [entry.id, entry]));
    if (agent.allowlist === undefined) continue;
    const allowlist = agent.allowlist.map((entry) => {
      const before = known.get(entry.id);
      const { lastUsedAt, lastUsedCommand, lastResolvedPath } = before ?? {};
      if (lastUsedAt === undefined || lastUsedAt <= (entry.lastUsedAt ?? 0)) return entry;
      return {
        ...entry,
        lastUsedAt,
        ...(lastUsedCommand === undefined ? {} : { lastUsedCommand }),
        ...(lastResolvedPath === undefined ? {} : { lastResolvedPath }),
      };
    });
    file.agents[agentId] = { ...agent, allowlist };
  }
  return file;
}
