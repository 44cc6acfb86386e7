import type { Action } from "../action.ts";
import { missing } from "../errors.ts";
import { viewOfGroup } from "../group-view.ts";

/** @see https://docs.aws.amazon.com/scheduler/latest/APIReference/API_GetScheduleGroup.html */
export const getScheduleGroup: Action = ({ store }, { name }) => {
  const group = store.findGroup(name);
  if (!group) throw missing(`Schedule group ${name}`);
  return viewOfGroup(group);
};
