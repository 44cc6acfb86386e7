import type { Action } from "../action.ts";
import { invalid, missing } from "../errors.ts";

/**
 * Deletes the group with all its schedules; at once, where AWS takes a while.
 *
 * @see https://docs.aws.amazon.com/scheduler/latest/APIReference/API_DeleteScheduleGroup.html
 */
export const deleteScheduleGroup: Action = ({ store }, { name }) => {
  if (name === "default") throw invalid("The default schedule group cannot be deleted.");
  if (!store.findGroup(name)) throw missing(`Schedule group ${name}`);
  store.deleteGroup(name);
  return {};
};
