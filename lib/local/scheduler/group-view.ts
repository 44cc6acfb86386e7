import { groupArn, seconds } from "./action.ts";
import type { StoredGroup } from "./store.ts";

/** A group as answers show it. */
export const viewOfGroup = ({ name, createdAtMs }: StoredGroup) => ({
  Arn: groupArn(name),
  Name: name,
  State: "ACTIVE",
  CreationDate: seconds(createdAtMs),
  LastModificationDate: seconds(createdAtMs),
});
