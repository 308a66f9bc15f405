/** The local socket for approvals, for both of its ends: the gateway that opens it, and the command line that watches. */
export { connectLocalApprover, type LocalApprover } from "../../approvals/local/client.ts";
export { createApprovalSocket } from "../../approvals/local/socket.ts";
