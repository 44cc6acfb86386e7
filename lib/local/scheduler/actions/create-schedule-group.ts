import { groupArn } from "../action.ts";
import type { Action } from "../action.ts";
import { nameText, parse } from "../definition.ts";
import { conflict } from "../errors.ts";

/** @see https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateScheduleGroup.html */
export const createScheduleGroup: Action = ({ store, clock }, request) => {
  const name = parse(nameText, request.name);
  if (store.findGroup(name)) throw conflict(`Schedule group ${name}`);
  store.putGroup({ name, createdAtMs: clock.now() });
  return { ScheduleGroupArn: groupArn(name) };
};
