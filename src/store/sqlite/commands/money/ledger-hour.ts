/** The unit in which the spending of all sessions is summed. */
export const hourMs = 3_600_000;
