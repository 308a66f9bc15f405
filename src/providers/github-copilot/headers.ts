/** What Copilot wants to know of whoever asks. It answers editors that it knows by name, and no others. */
import type { ModelRequest } from "../contract.ts";

export const editorHeaders: Readonly<Record<string, string>> = Object.freeze({
  "editor-version": "vscode/1.104.1",
  "editor-plugin-version": "copilot-chat/0.31.3",
  "copilot-integration-id": "vscode-chat",
  "openai-intent": "conversation-panel",
  "x-github-api-version": "2025-04-01",
  "user-agent": "GitHubCopilotChat/0.31.3",
});

/** A question of a person is counted, the steps that the assistant takes after it are not. */
export function callHeaders({ messages }: ModelRequest): Record<string, string> {
  const last = messages.at(-1);
  const seesImage = messages.some(
    (message) =>
      message.role === "user" &&
      message.content.some(
        (part) => part.type === "file" && (part.attachment.type === "image" || part.attachment.type === "sticker"),
      ),
  );
  return {
    "x-initiator": last === undefined || last.role === "user" ? "user" : "agent",
    ...(seesImage ? { "copilot-vision-request": "true" } : {}),
  };
}
