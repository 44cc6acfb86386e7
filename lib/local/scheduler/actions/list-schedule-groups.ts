import * as z from "zod";
import type { Action } from "../action.ts";
import { nameText, parse } from "../definition.ts";
import { viewOfGroup } from "../group-view.ts";

const query = z.object({
  NamePrefix: nameText.optional(),
  MaxResults: z.coerce.number().int().min(1).max(100).default(100),
  NextToken: nameText.optional(),
});

/** @see https://docs.aws.amazon.com/scheduler/latest/APIReference/API_ListScheduleGroups.html */
export const listScheduleGroups: Action = ({ store }, request) => {
  const {
    NamePrefix: prefix = "",
    MaxResults: limit,
    NextToken: after = "",
  } = parse(query, request.query);
  const found = store.listGroups(prefix, after, limit + 1);
  const page = found.slice(0, limit);
  return {
    ScheduleGroups: page.map(viewOfGroup),
    ...(found.length > page.length ? { NextToken: page.at(-1)?.name } : {}),
  };
};
