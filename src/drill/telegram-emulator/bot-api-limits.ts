/**
 * The numbers of the Bot API, as its documentation and its published server state them. They are facts of the platform
 * that is emulated, not limits of this product; a channel that is tested here keeps its own.
 */
export const botApiLimits = Object.freeze({
  /** UTF-16 units after the markup was parsed. */
  textChars: 4_096,
  captionChars: 1_024,
  /** UTF-8 bytes before the markup is parsed. */
  rawTextBytes: 1 << 15,
  /** Further entities of a message are dropped without a word. */
  entities: 100,
  callbackDataBytes: 64,
  /** A query that waits longer for its answer cannot be answered any more. */
  callbackAnswerMs: 60_000,
  callbackAnswerChars: 200,
  uploadBytes: 50 * 1024 * 1024,
  photoBytes: 10 * 1024 * 1024,
  downloadBytes: 20 * 1024 * 1024,
  /** A whole request: the largest file and what surrounds it. */
  requestBytes: 51 * 1024 * 1024,
  /** `getUpdates` waits no longer, whatever it asks for. */
  pollTimeoutS: 50,
  updatesPerPoll: 100,
  /** Updates that nobody fetched are thrown away. */
  updateKeptMs: 24 * 3_600_000,
  webhookConnections: 100,
  webhookConnectionsDefault: 40,
  secretTokenChars: 256,
  /** Own messages may be deleted for two days. */
  deletableMs: 48 * 3_600_000,
  mediaGroup: 10,
  commands: 100,
  perSecond: 30,
  perGroupPerMinute: 20,
  /** One message a second into a direct chat on average; as many at once before that counts. */
  directBurst: 3,
});
