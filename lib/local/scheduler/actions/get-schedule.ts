import { scheduleArn, seconds } from "../action.ts";
import type { Action } from "../action.ts";
import { missing } from "../errors.ts";

/** @see https://docs.aws.amazon.com/scheduler/latest/APIReference/API_GetSchedule.html */
export const getSchedule: Action = ({ store }, { name, query }) => {
  const group = query["groupName"] ?? "default";
  const standing = store.find(group, name);
  if (!standing) throw missing(`Schedule ${name}`);
  return {
    Arn: scheduleArn(group, name),
    GroupName: group,
    Name: name,
    ...standing.definition,
    CreationDate: seconds(standing.createdAtMs),
    LastModificationDate: seconds(standing.modifiedAtMs),
  };
};
