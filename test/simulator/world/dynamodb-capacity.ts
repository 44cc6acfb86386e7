import type { ConsumedCapacity } from "@aws-sdk/client-dynamodb";
import { unsupported } from "./dynamodb-errors.ts";
import type { WriteCost } from "./dynamodb-table.ts";

/** Units of all that was asked for, refused writes included: what the bill would show. */
export interface Consumed {
  readUnits: number;
  writeUnits: number;
}

const READ_UNIT_BYTES = 4_096;

export const readUnits = (bytes: number, isConsistent: boolean | undefined): number =>
  Math.max(1, Math.ceil(bytes / READ_UNIT_BYTES)) * (isConsistent === true ? 1 : 0.5);

export const totalOf = ({ table, indexes }: WriteCost): number =>
  Object.values(indexes).reduce((sum, units) => sum + units, table);

/** As an answer shows it, if it was asked for. */
export const shown = (
  asked: string | undefined,
  name: string,
  cost: WriteCost,
): ConsumedCapacity | undefined => {
  if (asked === undefined || asked === "NONE") return undefined;
  const inAll = { TableName: name, CapacityUnits: totalOf(cost) };
  if (asked === "TOTAL") return inAll;
  if (asked !== "INDEXES") return unsupported(`ReturnConsumedCapacity ${asked}`);
  const indexes = Object.entries(cost.indexes);
  return {
    ...inAll,
    Table: { CapacityUnits: cost.table },
    ...(indexes.length > 0
      ? {
          GlobalSecondaryIndexes: Object.fromEntries(
            indexes.map(([index, units]) => [index, { CapacityUnits: units }]),
          ),
        }
      : {}),
  };
};
