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
  stepsPerTurn: 32,
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
  /** How long a list counts as new, how soon after a failure it is asked for again, and how long after the start. */
  modelListFreshMs: 24 * 3_600_000,
  modelListRetryMs: 3_600_000,
  modelListDelayMs: 15_000,
  /** One frame of a model's binary event stream, and its headers: what AWS itself allows. */
  eventFrameBytes: 16 * 1024 * 1024,
  eventHeaderBytes: 128 * 1024,
  toolOutputBytes: 64 * 1024,
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
  /** What is kept of a message that was said in a group without addressing the assistant, as UTF-8. */
  overheardTextBytes: 4 * 1024,
  /** Such messages that one prompt shows at most, whatever the configuration says. */
  overheardMessages: 500,
  /** All that one prompt shows of such messages; the newest stay. */
  overheardPromptBytes: 32 * 1024,
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
  /** One line of an imported transcript, as UTF-8. */
  transcriptLineBytes: 16 * 1024 * 1024,
  transcriptEntries: 1_000_000,
});
