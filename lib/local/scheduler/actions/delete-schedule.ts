import type { Action } from "../action.ts";
import { missing } from "../errors.ts";

/** @see https://docs.aws.amazon.com/scheduler/latest/APIReference/API_DeleteSchedule.html */
export const deleteSchedule: Action = ({ store }, { name, query }) => {
  const group = query["groupName"] ?? "default";
  if (!store.find(group, name)) throw missing(`Schedule ${name}`);
  store.delete(group, name);
  return {};
};
