import { describe, expect, it } from "vitest";
import { FakeClock } from "../../platform/fake-clock.ts";
import { seededIds } from "../../platform/seeded-ids.ts";
import type { ChannelLink, ReceiveOutcome } from "../contract.ts";
import { fakeMessage, quietLinkParts, recordingLog, type LogLine } from "../fake-channel.fixture.ts";
import { Intake } from "./intake.ts";

function world(receive: (id: string) => Promise<ReceiveOutcome>) {
  const clock = new FakeClock();
  const lines: LogLine[] = [];
  const offered: string[] = [];
  const socket: string[] = [];
  const link: ChannelLink = {
    ...quietLinkParts(),
    clock,
    ids: seededIds(),
    log: recordingLog(lines),
    lost: () => {},
    receive: (message) => {
      offered.push(message.id);
      return receive(message.id);
    },
  };
  const intake = new Intake(link, { pause: () => void socket.push("pause"), resume: () => void socket.push("resume") });
  const take = (id: string, chatId: string): void => {
    const message = fakeMessage(id);
    intake.take({ ...message, address: { ...message.address, chatId } });
  };
  return { clock, lines, offered, socket, intake, take };
}

describe("handing over", () => {
  it("keeps the order within a chat and lets no chat wait for another", async () => {
    const gate = Promise.withResolvers<ReceiveOutcome>();
    const { clock, offered, take } = world((id) =>
      id === "a1" ? gate.promise : Promise.resolve({ outcome: "accepted" }),
    );
    take("a1", "a");
    take("a2", "a");
    take("b1", "b");
    await clock.advance(0);
    expect(offered).toEqual(["a1", "b1"]);
    gate.resolve({ outcome: "accepted" });
    await clock.advance(0);
    expect(offered).toEqual(["a1", "b1", "a2"]);
  });

  it("offers what could not be stored again, and says loudly when it has to give up", async () => {
    const { clock, offered, lines, take } = world(() => Promise.resolve({ outcome: "unavailable" }));
    take("m", "a");
    await clock.advance(60_000);
    expect(offered).toHaveLength(7);
    expect(lines.filter((line) => line.level === "error")).toHaveLength(1);
  });

  it("M13: makes the server wait while too many messages do, and goes on when they are fewer", async () => {
    const gate = Promise.withResolvers<ReceiveOutcome>();
    const { clock, socket, offered, take } = world(() => gate.promise);
    for (let index = 0; index < 600; index += 1) take(`m${index}`, `chat${index % 7}`);
    await clock.advance(0);
    expect(socket).toEqual(["pause"]);
    gate.resolve({ outcome: "accepted" });
    await clock.advance(0);
    expect(socket).toEqual(["pause", "resume"]);
    expect(offered).toHaveLength(600);
  });

  it("hands over nothing more once it is closed", async () => {
    const gate = Promise.withResolvers<ReceiveOutcome>();
    const { clock, offered, intake, take } = world(() => gate.promise);
    take("m1", "a");
    take("m2", "a");
    await clock.advance(0);
    intake.close();
    gate.resolve({ outcome: "unavailable" });
    await clock.advance(60_000);
    expect(offered).toEqual(["m1"]);
    expect(clock.pendingTimers).toBe(0);
  });
});
