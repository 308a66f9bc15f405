/** Where what was allowed for good stands: in the store, and in a file that another home may have left. Loads nothing. */
export const approvalsFile = Object.freeze({ namespace: "exec-approvals", key: "file", name: "exec-approvals.json" });
