/** Every limit of the product, named and with its unit. Each has a test at its edge. */
export const limits = Object.freeze({
  /** A frame of a connected WebSocket client. */
  framePayloadBytes: 25 * 1024 * 1024,
  /** A frame before `connect` has succeeded. */
  preAuthFrameBytes: 64 * 1024,
  /** What may wait for one slow client before it is cut off. */
  socketBufferedBytes: 50 * 1024 * 1024,
  /** Above this, events that may be dropped are. */
  socketDropBytes: 1024 * 1024,
  /** Requests of one connection that wait for their handlers. */
  requestsInFlight: 1_000,
  /** Silence after the challenge. */
  handshakeTimeoutMs: 30_000,
  tickIntervalMs: 30_000,
  deltaBatchMs: 150,
  idempotencyTtlMs: 7 * 24 * 3_600_000,
  /** A JSON body over HTTP. */
  httpBodyBytes: 20 * 1024 * 1024,
  /** What a platform may send to a webhook at once. */
  webhookBodyBytes: 1024 * 1024,
  /** From the first byte of a body to its last. */
  httpBodyTimeoutMs: 30_000,
  /** How long the rest of a refused body is thrown away before the line is cut. */
  httpLingerMs: 1_000,
  /** Silence of a run over HTTP (nothing said, nothing called) after which its caller is told so. */
  httpSilenceMs: 40_000,
  /** The same for models that think before they speak. */
  httpThinkingSilenceMs: 300_000,
  /** How long a request over HTTP waits for a person's word about an act, before its caller is told to come back. */
  httpApprovalWaitMs: 240_000,
  /** The audio of one spoken text; whole in one answer of a method, as base64. */
  speechBytes: 8 * 1024 * 1024,
  /** Calls of tools over HTTP that run or wait at one time. */
  invocationsAtOnce: 32,
  /** Messages or items in one request. */
  httpMessages: 2_000,
  /** Tools a caller may bring along. */
  callerTools: 128,
  /** Earlier responses that `previous_response_id` reaches back to. */
  responseChain: 256,
  /** Responses kept for `previous_response_id`; the oldest go first. */
  storedResponses: 10_000,
  /** The text of one inbound message, as UTF-8. */
  inboundTextBytes: 1024 * 1024,
  inlineAttachmentBytes: 5 * 1024 * 1024,
  attachmentsPerMessage: 20,
  historyReplyBytes: 6 * 1024 * 1024,
  /** Wrong credentials from one address within `authFailureWindowMs` before it is locked out. */
  authFailures: 10,
  authFailureWindowMs: 60_000,
  authLockoutMs: 60_000,
  configWritesPerMinute: 3,
  configBytes: 5 * 1024 * 1024,
  includeDepth: 10,
  configBackups: 5,
  /** Messages waiting for a turn, over all chats. */
  inboxDepth: 10_000,
  /** Messages from one sender per minute. */
  senderMessagesPerMinute: 20,
  /** How long a code is good that links two senders as one person, and how often one sender may try one. */
  linkCodeTtlMs: 10 * 60_000,
  linkAttemptsPerMinute: 5,
  turnsInFlight: 512,
  leaseMs: 5 * 60_000,
  leaseRenewMs: 60_000,
  /** How often the leases of workers that are gone are looked for. */
  leaseSweepMs: 30_000,
  turnTimeoutMs: 10 * 60_000,
  /** How often a message is tried before it is given up: failed attempts and crashes that found it under way. */
  turnAttempts: 10,
  /** The longest pause before a message whose attempt failed is tried again. */
  turnRetryCapMs: 30_000,
  /** The longest pause before a message is tried again that was under way in several crashes. */
  crashPauseCapMs: 60_000,
  toolTimeoutMs: 30_000,
  /** The name of a source of words from outside: an address fits, a page does not. */
  taintSourceBytes: 300,
  /** What one page of the web may have after it is unpacked, and how long all of it may take. */
  webPageBytes: 5 * 1024 * 1024,
  webFetchTimeoutMs: 25_000,
  /** Making text of a page, in a thread of its own: time, memory, and elements that are looked at. */
  webReadTimeoutMs: 10_000,
  webReadHeapMiB: 256,
  webPageElements: 50_000,
  /** Depth of elements in elements; what lies deeper is text without a shape. */
  webPageDepth: 200,
  /** Text of one page that is kept for a second look, as UTF-16 units. */
  webPageChars: 1_000_000,
  /** Pages that are kept, and for how long. */
  webCacheEntries: 32,
  webCacheMs: 5 * 60_000,
  /** An address that is asked for: longer ones carry something. */
  webUrlChars: 2_048,
  /** What a search service may answer, and how long it may take. */
  webSearchBytes: 2 * 1024 * 1024,
  webSearchTimeoutMs: 15_000,
  webSearchQueryChars: 400,
  /** Of one result's text, as UTF-8. */
  webSearchSnippetBytes: 600,
  /** A picture that is looked at, before it is made smaller. */
  lookedAtImageBytes: 20 * 1024 * 1024,
  /** What is asked about a picture, and what may be answered. Characters; tokens. */
  imageQuestionChars: 2_000,
  imageAnswerTokens: 1_024,
  stepsPerTurn: 32,
  /** Refusals of one thing, by whatever tool, before the turn ends and says so. */
  sameRefusals: 3,
  /** Steps in a row whose calls of tools nobody can read, before the turn is ended. */
  unreadableSteps: 3,
  /** Silence of a model's endpoint, byte to byte; a model that thinks before it writes may be silent for longer. */
  modelIdleMs: 120_000,
  modelReasoningIdleMs: 360_000,
  /** One answer on the wire, frames and all: an endpoint that never ends a line would fill the memory. */
  modelAnswerBytes: 64 * 1024 * 1024,
  /** What one answer says and thinks, as UTF-16 units: several times the most that any model may write. */
  modelAnswerChars: 2 * 1024 * 1024,
  /** A provider's list of its models: all pages of it, and how many pages and models are taken. */
  modelListBytes: 16 * 1024 * 1024,
  modelListPages: 20,
  modelListEntries: 5_000,
  modelListTimeoutMs: 30_000,
  /** After the start, before models that run on this host are looked for: the first clients go first. */
  modelLookDelayMs: 100,
  /** For finding that nobody listens there, and again for the list of those that are there. */
  modelProbeMs: 300,
  /** How long a list counts as new, how soon after a failure it is asked for again, and how long after the start. */
  modelListFreshMs: 24 * 3_600_000,
  modelListRetryMs: 3_600_000,
  modelListDelayMs: 15_000,
  /** One frame of a model's binary event stream, and its headers: what AWS itself allows. */
  eventFrameBytes: 16 * 1024 * 1024,
  eventHeaderBytes: 128 * 1024,
  /** Calls of one step, over all its models and logins. */
  modelAttempts: 12,
  /** How long a turn waits for a model where nothing else can answer; a caller over HTTP can wait by itself. */
  modelWaitMs: 90_000,
  modelWaitApiMs: 15_000,
  /** How long a caller over HTTP waits for a model's first word while another could answer: it hangs up before the model does. */
  modelFirstWordApiMs: 20_000,
  /** Before the same model is asked once more, where it named no time. */
  modelAgainMs: 2_000,
  /** While a turn waits for a model, how often those who read along are told. */
  modelWaitNoticeMs: 15_000,
  /** What an answer may have at most where nobody says, for a budget's worst case. Tokens. */
  modelOutputTokens: 32_000,
  /** Failures of a model at a provider within `modelBreakerWindowMs` before it is left alone; a silent one counts twice. */
  modelBreakerFailures: 3,
  modelBreakerWindowMs: 5 * 60_000,
  /** How long a provider that says it has no such model is not asked for it. */
  modelMissingMs: 3_600_000,
  /** The shortest pause that a provider's own word can ask for. */
  modelPauseFloorMs: 1_000,
  /** What is remembered of failed models, logins and providers; the oldest go first. */
  modelStandings: 2_000,
  /** From a failure to its being remembered on the disk. */
  modelStandingWriteMs: 500,
  /** Sessions whose login is kept in memory; the others are read when they are needed. */
  modelPins: 10_000,
  /** Pixels of a picture that is decoded to be made smaller: a small file may hold a sea of them. */
  imagePixels: 100_000_000,
  imageResizeTimeoutMs: 20_000,
  toolOutputBytes: 64 * 1024,
  /** How long a look at a workspace counts as new, and how many looks are remembered. */
  surroundingsFreshMs: 200,
  surroundingsLooks: 1_000,
  /** A file of the workspace that speaks to the agent, as it is read at all; the prompt has less of it. */
  workspaceFileBytes: 1024 * 1024,
  /** A pack's SKILL.md, and any other file of a pack that is read. */
  skillFileBytes: 256 * 1024,
  skillNameChars: 64,
  skillDescriptionChars: 1_024,
  skillsPerFolder: 500,
  /** All lines of the list of skills in a prompt. */
  skillListChars: 16_000,
  /** A pack that comes as a zip file: packed, unpacked, and how many files. */
  packZipBytes: 8 * 1024 * 1024,
  packUnpackedBytes: 32 * 1024 * 1024,
  packFiles: 500,
  /** Complaints about packs and files that are remembered, so that each is made once. */
  skillComplaints: 1_000,
  deliveryAttempts: 4,
  /** Crashes in the middle of sending one part; they are no attempts of the platform's, and have an end of their own. */
  deliveryCrashes: 16,
  deliveryBackoffMs: 1_000,
  deliveryBackoffCapMs: 30_000,
  replyTtlMs: 3_600_000,
  /** How long the word that a reply has expired waits for its chat. */
  noticeTtlMs: 24 * 3_600_000,
  /** Chats whose use of what the platform allows is remembered; the longest-silent are forgotten first. */
  rateChats: 10_000,
  inboundTtlMs: 24 * 3_600_000,
  /** Dead letters in one answer, or named in one request. */
  deadLettersPerRequest: 500,
  /** What is kept of the facts of one decision, as UTF-8 JSON; of larger ones the long texts are cut. */
  decisionFactsBytes: 64 * 1024,
  /** Decisions that wait to be written. */
  decisionsWaiting: 10_000,
  /** Names of tools whose verdict is remembered, by place of the configuration: models can make up any number of names. */
  toolVerdicts: 500,
  /** Recorded decisions that one answer tries again under another configuration. */
  policyDiffRows: 500,
  /** What is kept of a message that was said in a group without addressing the assistant, as UTF-8. */
  overheardTextBytes: 4 * 1024,
  /** Such messages that one prompt shows at most, whatever the configuration says. */
  overheardMessages: 500,
  /** All that one prompt shows of such messages; the newest stay. */
  overheardPromptBytes: 32 * 1024,
  /** Sessions that a tool lists at once, and looks through for those that may be seen. */
  sessionsPerTool: 100,
  sessionsLookedAt: 1_000,
  /** How many generations of helpers are followed back. */
  helperDepth: 8,
  historyLinesPerTool: 200,
  /** What one turn may write to another at once, in UTF-16 units. */
  errandTextChars: 32_000,
  /** How long a tool waits for a turn that it started: where nothing is said, and at most. */
  errandWaitDefaultMs: 2 * 60_000,
  errandWaitMs: 9 * 60_000,
  /** How often ended helpers are looked for whose end could not be told. */
  errandSweepMs: 30_000,
  /** A message that is answered sooner shows no sign of writing. */
  typingAfterMs: 150,
  /** The longest that a chat shows such a sign without a pause. */
  typingMostMs: 20 * 60_000,
  /** Messages behind a running turn that are looked at between two steps; what waits beyond them is looked at next. */
  overlapMessages: 200,
  /** What a list shows of a message that was one too many, in characters as a reader counts them. */
  overCapLineChars: 160,
  /** The longest that a turn waits for somebody who goes on writing, before what was gathered is answered. */
  collectRestMs: 30_000,
  /** How often the vault is looked at for logins that another program stored, changed or removed. */
  profileLookMs: 5_000,
  /** A token is refreshed this long before it runs out. */
  oauthRefreshAheadMs: 5 * 60_000,
  /** Tokens that run out together are not refreshed together: each goes up to this much earlier. */
  oauthJitterMs: 30_000,
  /** The first pause after a refresh that failed, and the longest; it doubles in between. */
  oauthRetryBaseMs: 10_000,
  oauthRetryCapMs: 15 * 60_000,
  /** One request to a token endpoint, to its end. */
  oauthRequestMs: 20_000,
  /** What a token endpoint or a metadata service may answer. */
  credentialAnswerBytes: 256 * 1024,
  /** How long somebody has to log in at a page. */
  loginMs: 10 * 60_000,
  /** Requests to the page a browser comes back to that were not the awaited one. */
  loginStrayRequests: 20,
  /** A file of AWS's own tools. */
  awsFileBytes: 1024 * 1024,
  /** Keys of AWS without an end are read anew after this. */
  awsKeysMs: 60_000,
  /** One answer of a metadata service, and of a program that prints keys. */
  awsMetadataMs: 2_000,
  awsProcessMs: 30_000,
  reconnectAttempts: 10,
  reconnectBaseMs: 1_000,
  reconnectCapMs: 60_000,
  breakerFailures: 5,
  channelProbeMs: 30_000,
  systemEvents: 1_000,
  egressRedirects: 5,
  egressBodyBytes: 50 * 1024 * 1024,
  egressTimeoutMs: 60_000,
  shutdownMs: 10_000,
  sessionKeyChars: 512,
  jsonDepth: 64,
  /** One secret of the vault, as UTF-8: a key file or a login fits, a document does not. */
  secretBytes: 64 * 1024,
  secretNameChars: 64,
  vaultEntries: 1_000,
  vaultBytes: 32 * 1024 * 1024,
  /** The shortest passphrase that a vault may be locked with. */
  passphraseChars: 10,
  /** How long whoever wants to change a secret waits for another who is changing it: a login is refreshed meanwhile. */
  secretLockWaitMs: 60_000,
  /** The same for the vault's file, which is locked for a write alone. */
  vaultLockWaitMs: 10_000,
  /** Values that the log's redactor remembers; those it was told of first are forgotten first. */
  redactedValues: 2_000,
  /** One line of an imported transcript, as UTF-8. */
  transcriptLineBytes: 16 * 1024 * 1024,
  transcriptEntries: 1_000_000,
  /** Tokens that an answer may have where a budget pays for it and its caller does not say how many. */
  budgetOutputTokens: 16_384,
  /** An answer is shortened to what a budget still pays for, but to no fewer tokens than these. */
  budgetLeastOutputTokens: 1_024,
  /** How long a call waits for money that is set aside for calls under way, before it is refused. */
  budgetWaitMs: 60_000,
  /** The first pause before it asks again, and the longest: each is twice the one before. */
  budgetPollMs: 250,
  budgetPollCapMs: 8_000,
  /** How long an owner may be asked for more, if the period does not end before. */
  approvalTtlMs: 24 * 3_600_000,
  /** Questions about acts that are open at one time. */
  openApprovals: 500,
  /** After a start, so long a turn from before it waits for pages and programs to come back; a page tries every 20 s at least. */
  approversReturnMs: 30_000,
  /** A question in a chat shows all of what it is about up to this length, in UTF-16 units; what is longer is allowed elsewhere. */
  approvalChatChars: 8_000,
  /** One line over the local socket for approvals, in UTF-16 units; who sends a longer one is cut off. */
  approvalLineBytes: 1024 * 1024,
  /** Programs that are connected to the local socket for approvals at one time. */
  localApprovers: 16,
  /** Answers to questions whose own turn has not come yet. */
  rememberedAnswers: 1_000,
  /** How often a chat is told, at most, that its messages wait for money or for the end of a pause. */
  budgetNoticeMs: 3_600_000,
  /** Chats of owners that are told of budgets; the one that was quiet longest is forgotten first. */
  ownerChats: 20,
  /** Entries of a transcript that are looked at for one turn; a session that is summed up has far fewer behind its summary. */
  contextEntries: 10_000,
  /** The window of a model that nobody knows, in tokens. */
  unknownWindowTokens: 128_000,
  /** What an endpoint says its window is, is not believed below this. */
  leastWindowTokens: 512,
  /** Models whose way of counting is remembered. */
  contextModels: 256,
  /** Pieces in which a very long history is summed up, each a model call; what is older than these is left out. */
  summaryPieces: 8,
  /** The longest summary, in tokens. */
  summaryTokens: 4_000,
  /** What a person may say a summary should look at. */
  summaryInstructionsChars: 2_000,
  /** After a summary failed, the session's next ones are cut without asking for so long. */
  summaryRetryMs: 10 * 60_000,
  /** Sessions whose failed summary is remembered. */
  summaryRetrySessions: 1_000,
  /** Lasting facts of one compaction, and one note that is saved, as UTF-8. */
  memoryNoteBytes: 16 * 1024,
  /** An agent's notes of one day. */
  memoryDayBytes: 256 * 1024,
  /** One file of an agent's memory that is searched; a larger one is left out and said so. */
  memoryFileBytes: 4 * 1024 * 1024,
  /** Files of one agent's memory; the first by name are looked at. */
  memoryFiles: 10_000,
  /** A piece of a file that is found as one, as UTF-8: some 400 tokens. */
  memoryChunkBytes: 1_600,
  /** What a piece repeats of the end of the one before it. */
  memoryOverlapBytes: 240,
  /** Found pieces asked of each side, words and vectors, for every one that is wanted; and the most that are wanted. */
  memoryCandidates: 4,
  memoryResults: 50,
  /** A question to the memory, as UTF-16 units, and how many of its words are looked for. */
  memoryQueryChars: 2_000,
  memoryQueryTerms: 16,
  /** Up to so many vectors every one is compared; beyond, a rough look chooses so many that are, or one of so many. */
  memoryExactVectors: 12_000,
  memoryRoughVectors: 1_200,
  memoryRoughShare: 64,
  /** Lines of one `memory_get`. */
  memoryLines: 1_000,
  /** A look at the files counts as new for so long; afterwards the next question looks again. */
  memoryLookFreshMs: 1_000,
  /** How long a question waits for a look, where there is something to answer from. */
  memoryLookWaitMs: 2_000,
  /** How often the files are looked at while the memory is in use, and after how much silence its thread ends. */
  memoryLookEveryMs: 60_000,
  memoryIdleMs: 5 * 60_000,
  /** Vectors of text that is gone are kept so long: a file that is moved or restored is not paid for twice. */
  memoryOrphanMs: 7 * 24 * 3_600_000,
  /** Texts of one request for vectors, and their bytes; its answer's bytes, and its time. */
  embeddingBatch: 64,
  embeddingBatchBytes: 128 * 1024,
  embeddingAnswerBytes: 16 * 1024 * 1024,
  embeddingTimeoutMs: 60_000,
  /** The same for a question that somebody waits for. */
  embeddingQueryTimeoutMs: 5_000,
  /** Numbers of one vector. */
  embeddingDimensions: 8_192,
  /** Tries of one batch, the first pause between them, and the longest that a server may ask for. */
  embeddingAttempts: 3,
  embeddingBackoffMs: 1_000,
  embeddingBackoffCapMs: 30_000,
  /** Failures in a row before a server is left alone, for how long at first, and at most. */
  embeddingBreakerFailures: 3,
  embeddingPauseMs: 60_000,
  embeddingPauseCapMs: 15 * 60_000,
  /** One line of a transcript that is read for what was used, as bytes; files that were sent make longer ones. */
  usageLineBytes: 4 * 1024 * 1024,
  /** Calls that one request of an import books. */
  usageImportCalls: 500,
  /** Sessions in one answer about their use. */
  usageSessions: 1_000,
  /** Calls of one session in one answer. */
  usageCalls: 5_000,
  /** Of one line of a session in an answer about its use, as UTF-16 units. */
  usageLogChars: 2_000,
  /** The longest command line that is judged, in UTF-16 units: more than that nobody reads before saying yes. */
  commandLineChars: 10_000,
  /** How deeply the parts of a command line may stand in each other, and how many there may be. */
  commandDepth: 50,
  commandNodes: 10_000,
  /** A script that a command runs, as bytes; a larger one is not looked at, so it cannot be approved. */
  commandScriptBytes: 8 * 1024 * 1024,
  /** Scripts of one command. */
  commandScripts: 32,
  /** What may be allowed for good, for one agent. */
  commandGrants: 1_000,
  /** `exec-approvals.json`, as UTF-8. */
  execApprovalsBytes: 1024 * 1024,
  /** How long the last use of a grant may stay unwritten. */
  grantUseWriteMs: 5_000,
  /** A command as a model writes it, in UTF-16 units. */
  commandChars: 16_384,
  /** Variables that a call may add to a command's environment, and the longest value, in UTF-16 units. */
  commandVariables: 32,
  commandVariableChars: 4_096,
  /** What a model reads of a command's output: its beginning and its end, as UTF-8. */
  commandHeadBytes: 16 * 1024,
  commandTailBytes: 32 * 1024,
  /** What a command may write altogether before it is ended. */
  commandOutputBytes: 64 * 1024 * 1024,
  /** From asking a command to end to ending it. */
  commandGraceMs: 2_000,
  /** How long output is waited for that somebody holds open after the command ended. */
  commandDrainMs: 200,
  /** How long a command runs in the background where nobody says. */
  backgroundCommandMs: 24 * 3_600_000,
  /** Commands at the same time, of one session and of the house; ended ones that are still listed, of one session. */
  commandsPerSession: 16,
  commandsPerHouse: 64,
  endedCommandsPerSession: 16,
  /** What a command in a sandbox may use where the configuration says nothing: memory, processes, one file, `/tmp`. */
  boxMemoryMb: 2_048,
  boxProcesses: 256,
  boxFileMb: 1_024,
  boxTmpMb: 256,
  /** Folders that are mounted into a sandbox. */
  boxBinds: 32,
  /** The longest trial of a sandbox, and how long a failed one is believed. */
  boxTrialMs: 10_000,
  boxRetryMs: 60_000,
  /** What one call of `read` shows, as UTF-8; below `toolOutputBytes`, so that it says itself where to go on. */
  fileReadBytes: 48 * 1024,
  fileReadLines: 2_000,
  /** Of one line that a file tool shows, as UTF-16 units. */
  fileLineChars: 8_000,
  /** How far into a file `read` looks for the line it was asked for. */
  fileScanBytes: 256 * 1024 * 1024,
  /** A file that is written or changed by one call, as bytes. */
  fileWriteBytes: 4 * 1024 * 1024,
  /** What file tools leave free on the disk: a gateway that cannot write loses its ground. */
  diskReserveBytes: 64 * 1024 * 1024,
  /** Replacements of one `edit`. */
  fileEdits: 50,
  patchBytes: 1024 * 1024,
  /** Files that one patch touches, and what it writes in all, as bytes. */
  patchFiles: 100,
  patchWriteBytes: 8 * 1024 * 1024,
  /** Entries of a folder that are looked at, and shown, by one `ls`. */
  folderEntries: 50_000,
  folderEntriesShown: 1_000,
  /** Entries that `find` and `grep` look at, how deep, and how long. */
  walkEntries: 200_000,
  walkDepth: 32,
  walkMs: 20_000,
  findResults: 1_000,
  globChars: 500,
  /** Lines that `grep` shows, the longest pattern, and the largest file it looks into. */
  grepMatches: 500,
  grepPatternChars: 1_000,
  grepFileBytes: 4 * 1024 * 1024,
  /** Of a line that `grep` shows, as UTF-16 units. */
  grepLineChars: 300,
  /** Servers that speak MCP: how many are configured, the longest name of one, and the longest call, in seconds. */
  mcpServers: 32,
  mcpServerNameChars: 24,
  mcpCallSeconds: 600,
  /** How long a turn waits for one that was never asked before, and how long it may take to be there. */
  mcpStartWaitMs: 3_000,
  mcpStartMs: 30_000,
  /** Pauses before one that died or could not be reached is tried again, doubled each time. */
  mcpRetryMinMs: 1_000,
  mcpRetryMaxMs: 300_000,
  /** Unused for so long, it is ended until somebody wants it. */
  mcpIdleMs: 600_000,
  /** From asking it to end to ending it, in two steps. */
  mcpAskedToEndMs: 500,
  mcpGraceMs: 2_000,
  /** One message of it. */
  mcpMessageBytes: 4 * 1024 * 1024,
  /** What it may say that is no message, on one connection; and that nobody asked for, in one minute. */
  mcpBadMessages: 50,
  mcpUnaskedMessages: 1_000,
  mcpUnaskedWindowMs: 60_000,
  /** Its standard error that goes into the log, and one line of it. */
  mcpStderrBytes: 64 * 1024,
  mcpStderrLineBytes: 1_024,
  /** Its tools, pages of their list, and the shortest pause between two readings of it. */
  mcpToolsPerServer: 64,
  mcpListPages: 10,
  mcpRelistMs: 1_000,
  /** Of one tool: its own name, the name that models see, what it says of itself, and its schema. */
  mcpToolNameChars: 128,
  mcpShownNameChars: 64,
  mcpDescriptionBytes: 1_024,
  mcpSchemaBytes: 16 * 1024,
  mcpSchemaDepth: 12,
  mcpSchemaTextBytes: 512,
  /** What a tool of it is called with, as JSON, and the pieces of an answer that are looked at. */
  mcpInputBytes: 256 * 1024,
  mcpContentPieces: 200,
  /** Files that are known to hold words from elsewhere; beyond it whole folders are. */
  foreignFiles: 10_000,
});
