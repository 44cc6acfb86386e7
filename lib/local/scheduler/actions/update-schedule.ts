import { scheduleArn } from "../action.ts";
import type { Action } from "../action.ts";
import { nameText, parse, readScheduleInput } from "../definition.ts";
import { missing } from "../errors.ts";

/**
 * Replaces the whole definition: what is left out takes its default.
 *
 * @see https://docs.aws.amazon.com/scheduler/latest/APIReference/API_UpdateSchedule.html
 */
export const updateSchedule: Action = ({ store, clock, wake }, request) => {
  const name = parse(nameText, request.name);
  const nowMs = clock.now();
  const { group, definition, fireAtMs } = readScheduleInput(request.body, nowMs);
  const standing = store.find(group, name);
  if (!standing) throw missing(`Schedule ${name}`);
  store.put({
    ...standing,
    definition,
    // Two changes within a millisecond are two: a firing tells by this that it was overtaken.
    modifiedAtMs: Math.max(nowMs, standing.modifiedAtMs + 1),
    dueAtMs: definition.State === "ENABLED" ? fireAtMs : null,
    tries: 0,
    firstTriedAtMs: null,
  });
  wake();
  return { ScheduleArn: scheduleArn(group, name) };
};
