import { scheduleArn } from "../action.ts";
import type { Action } from "../action.ts";
import { nameText, parse, readScheduleInput } from "../definition.ts";
import { conflict, missing } from "../errors.ts";

/** @see https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html */
export const createSchedule: Action = ({ store, clock, wake }, request) => {
  const name = parse(nameText, request.name);
  const nowMs = clock.now();
  const { group, clientToken, definition, fireAtMs } = readScheduleInput(request.body, nowMs);
  if (!store.findGroup(group)) throw missing(`Schedule group ${group}`);
  const standing = store.find(group, name);
  const isRepeated = clientToken !== undefined && standing?.clientToken === clientToken;
  if (standing && !isRepeated) throw conflict(`Schedule ${name}`);
  if (!standing) {
    store.put({
      group,
      name,
      definition,
      clientToken,
      createdAtMs: nowMs,
      modifiedAtMs: nowMs,
      dueAtMs: definition.State === "ENABLED" ? fireAtMs : null,
      tries: 0,
      firstTriedAtMs: null,
    });
    wake();
  }
  return { ScheduleArn: scheduleArn(group, name) };
};
