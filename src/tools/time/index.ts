/** Tells the date and the time in a zone. Knows the host's clock alone: no calendar, no reminders. */
import { z } from "zod";
import { AppError } from "../../domain/app-error.ts";
import type { Tool } from "../contract.ts";

const inputSchema = z.object({
  zone: z.string().max(64).optional().describe("Such as Europe/Vienna"),
});

export const timeTool: Tool<z.infer<typeof inputSchema>> = {
  name: "time",
  description: "Date, weekday and time in a time zone.",
  inputSchema,
  effect: "pure",
  run: (input, { clock }) => Promise.resolve(describeTime(clock.nowMs(), input.zone)),
};

function describeTime(nowMs: number, zone: string | undefined): string {
  const format = formatter(zone);
  const parts = Object.fromEntries(format.formatToParts(nowMs).map((part) => [part.type, part.value]));
  const date = `${parts["year"]}-${parts["month"]}-${parts["day"]}`;
  const time = `${parts["hour"]}:${parts["minute"]}:${parts["second"]}`;
  return `${parts["weekday"]}, ${date} ${time} ${format.resolvedOptions().timeZone} (${parts["timeZoneName"]})`;
}

function formatter(zone: string | undefined): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat("en-GB", {
      weekday: "long",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
      hourCycle: "h23",
      timeZoneName: "longOffset",
      ...(zone === undefined ? {} : { timeZone: zone }),
    });
  } catch (cause) {
    throw new AppError(
      "RUN_003",
      `There is no time zone ${JSON.stringify(zone)}. Use an IANA name such as Europe/Vienna or UTC.`,
      {
        cause,
      },
    );
  }
}
