/** The states of messages and parts, in the words of the store, which this floor does not know. */
export type InboxState = "queued" | "running" | "replied" | "merged" | "rejected" | "expired" | "dead";
export type PartState = "held" | "prepared" | "sending" | "sent" | "unknown" | "failed" | "expired";
