/**
 * The sections of the configuration by name. Each schema is made when it is first asked for: a small file pays for
 * what it uses, and the start of the gateway with it.
 */
import type * as z from "zod";
import { agentsSchema } from "./agents.ts";
import { approvalsSchema } from "./approvals.ts";
import { budgetsSchema } from "./budgets.ts";
import { commandsSchema } from "./commands.ts";
import { gatewaySchema } from "./gateway.ts";
import { hooksSchema } from "./hooks.ts";
import { diagnosticsSchema, loggingSchema } from "./logging.ts";
import { mcpSchema } from "./mcp.ts";
import { memorySchema } from "./memory.ts";
import { messagesSchema } from "./messages.ts";
import { modelsSchema } from "./models.ts";
import { queueSchema } from "./queue.ts";
import { bindingsSchema, channelsSchema, routerSchema } from "./routing.ts";
import { cronSchema } from "./schedule.ts";
import { sessionSchema } from "./session.ts";
import {
  authSchema,
  browserSchema,
  discoverySchema,
  envSchema,
  mediaSchema,
  metaSchema,
  pluginsSchema,
  skillsSchema,
  uiSchema,
  updateSchema,
} from "./surroundings.ts";
import { toolsSchema } from "./tools.ts";
import { vaultSchema } from "./vault.ts";

export const sectionSchemas = {
  meta: metaSchema,
  env: envSchema,
  gateway: gatewaySchema,
  models: modelsSchema,
  agents: agentsSchema,
  channels: channelsSchema,
  bindings: bindingsSchema,
  session: sessionSchema,
  messages: messagesSchema,
  commands: commandsSchema,
  tools: toolsSchema,
  approvals: approvalsSchema,
  budgets: budgetsSchema,
  memory: memorySchema,
  mcp: mcpSchema,
  queue: queueSchema,
  router: routerSchema,
  cron: cronSchema,
  hooks: hooksSchema,
  plugins: pluginsSchema,
  skills: skillsSchema,
  browser: browserSchema,
  media: mediaSchema,
  discovery: discoverySchema,
  auth: authSchema,
  vault: vaultSchema,
  logging: loggingSchema,
  diagnostics: diagnosticsSchema,
  ui: uiSchema,
  update: updateSchema,
} as const;

export type SectionName = keyof typeof sectionSchemas;
export const sectionNames = Object.keys(sectionSchemas) as readonly SectionName[];

/** The effective configuration: complete, every default applied. */
export type Sections = { [Name in SectionName]: z.output<ReturnType<(typeof sectionSchemas)[Name]>> };
