import * as z from "zod";
import { scheduleArn, seconds } from "../action.ts";
import type { Action } from "../action.ts";
import { nameText, parse } from "../definition.ts";
import { invalid, missing } from "../errors.ts";

const query = z.object({
  ScheduleGroup: nameText.optional(),
  NamePrefix: nameText.optional(),
  State: z.enum(["ENABLED", "DISABLED"]).optional(),
  MaxResults: z.coerce.number().int().min(1).max(100).default(100),
  NextToken: z.string().optional(),
});

/** @see https://docs.aws.amazon.com/scheduler/latest/APIReference/API_ListSchedules.html */
export const listSchedules: Action = ({ store }, request) => {
  const asked = parse(query, request.query);
  const group = asked.ScheduleGroup;
  if (group !== undefined && !store.findGroup(group)) throw missing(`Schedule group ${group}`);
  const found = store.list({
    group,
    namePrefix: asked.NamePrefix ?? "",
    state: asked.State,
    after: asked.NextToken === undefined ? ["", ""] : positionOf(asked.NextToken),
    limit: asked.MaxResults + 1,
  });
  const page = found.slice(0, asked.MaxResults);
  const last = page.at(-1);
  return {
    Schedules: page.map((schedule) => ({
      Arn: scheduleArn(schedule.group, schedule.name),
      GroupName: schedule.group,
      Name: schedule.name,
      State: schedule.definition.State,
      Target: { Arn: schedule.definition.Target.Arn },
      CreationDate: seconds(schedule.createdAtMs),
      LastModificationDate: seconds(schedule.modifiedAtMs),
    })),
    ...(last && found.length > page.length ? { NextToken: tokenOf(last.group, last.name) } : {}),
  };
};

/** Neither a group nor a name holds a slash. */
const tokenOf = (group: string, name: string): string =>
  Buffer.from(`${group}/${name}`).toString("base64url");

const positionOf = (token: string): [group: string, name: string] => {
  const [group, name, ...rest] = Buffer.from(token, "base64url").toString().split("/");
  if (group === undefined || name === undefined || rest.length > 0) {
    throw invalid("Invalid NextToken.");
  }
  return [group, name];
};
