import { PutItemCommand, QueryCommand } from "@aws-sdk/client-dynamodb";
import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import fc from "fast-check";
import { expect, it } from "vitest";
import { provisionTable, TABLE_NAME } from "../../../lib/local/provision.ts";
import { refusalOf } from "../../conformance/describe-conformance.ts";
import { SimulatedDynamoDb } from "../../simulator/world/dynamodb.ts";

/**
 * Random conditions, said in DynamoDB's language and judged by a reading of their own that knows
 * neither tokens nor precedence.
 */

/** A condition as text, how tightly it binds, and whether it holds of an item. */
interface Stated {
  readonly text: string;
  readonly binds: "or" | "and" | "not" | "whole";
  readonly holds: (item: Item) => boolean;
}

type Plain = string | number;
type Item = Readonly<Record<string, Plain | undefined>>;

const ATTRIBUTES = ["a", "b", "c"] as const;
/** Few, so that they are often equal; 😀 is above ￿ in bytes, and below it in UTF-16. */
const VALUES: readonly Plain[] = [0, 1, 2, 10, -1, 0.5, "", "1", "10", "a", "ab", "😀", "\uffff"];

const attribute = fc.constantFrom(...ATTRIBUTES);
const value = fc.nat({ max: VALUES.length - 1 }).map((index) => ({
  token: `:v${index}`,
  value: VALUES[index] as Plain,
}));
const item: fc.Arbitrary<Item> = fc.record(
  { a: fc.constantFrom(...VALUES), b: fc.constantFrom(...VALUES), c: fc.constantFrom(...VALUES) },
  { requiredKeys: [] },
);
/** As a reserved word has to be written, or as it is. */
const path = fc.tuple(attribute, fc.boolean()).map(([name, isHidden]) => ({
  name,
  token: isHidden ? `#${name}` : name,
  of: (item: Item): Plain | undefined => item[name],
}));
const operand = fc.oneof(
  path,
  value.map(({ token, value }) => ({
    name: token,
    token,
    of: (_item: Item): Plain | undefined => value,
  })),
);
/** An attribute is compared with others, or with values. */
const areDistinct = ([first, ...others]: readonly { readonly name: string }[]) =>
  others.every(({ name }) => name !== first?.name);

const order = (a: Plain | undefined, b: Plain | undefined): number | undefined => {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a === "string" && typeof b === "string") {
    return Buffer.compare(Buffer.from(a), Buffer.from(b));
  }
  return undefined;
};
const COMPARISONS: Readonly<Record<string, (order: number | undefined) => boolean>> = {
  "=": (order) => order === 0,
  "<>": (order) => order !== 0,
  "<": (order) => order !== undefined && order < 0,
  "<=": (order) => order !== undefined && order <= 0,
  ">": (order) => order !== undefined && order > 0,
  ">=": (order) => order !== undefined && order >= 0,
};

const whole = (text: string, holds: Stated["holds"]): Stated => ({ text, binds: "whole", holds });

const simple: fc.Arbitrary<Stated> = fc.oneof(
  fc
    .tuple(operand, fc.constantFrom(...Object.keys(COMPARISONS)), operand)
    .filter(([left, , right]) => areDistinct([left, right]))
    .map(([left, comparator, right]) =>
      whole(
        `${left.token} ${comparator} ${right.token}`,
        (item) => COMPARISONS[comparator]?.(order(left.of(item), right.of(item))) === true,
      ),
    ),
  fc
    .tuple(path, path, operand)
    .filter(areDistinct)
    .map(([subject, low, high]) =>
      whole(`${subject.token} BETWEEN ${low.token} AND ${high.token}`, (item) => {
        const [x, y] = [low, high].map((bound) => order(subject.of(item), bound.of(item)));
        return x !== undefined && y !== undefined && x >= 0 && y <= 0;
      }),
    ),
  fc
    .tuple(path, fc.array(operand, { minLength: 1, maxLength: 4 }))
    .filter(([subject, choices]) => areDistinct([subject, ...choices]))
    .map(([subject, choices]) =>
      whole(`${subject.token} IN (${choices.map(({ token }) => token).join(", ")})`, (item) =>
        choices.some((choice) => order(subject.of(item), choice.of(item)) === 0),
      ),
    ),
  path.map(({ token, of }) =>
    whole(`attribute_exists(${token})`, (item) => of(item) !== undefined),
  ),
  path.map(({ token, of }) =>
    whole(`attribute_not_exists(${token})`, (item) => of(item) === undefined),
  ),
  fc
    .tuple(path, fc.constantFrom("begins_with", "contains"), path)
    .filter(([subject, , part]) => areDistinct([subject, part]))
    .map(([subject, name, part]) =>
      whole(`${name}(${subject.token}, ${part.token})`, (item) => {
        const [text, piece] = [subject.of(item), part.of(item)];
        if (typeof text !== "string" || typeof piece !== "string") return false;
        return name === "contains" ? text.includes(piece) : text.startsWith(piece);
      }),
    ),
);

/** With the parentheses that it needs, and sometimes with some that it does not. */
const within = ({ text, binds }: Stated, loosest: readonly Stated["binds"][], isBare: boolean) =>
  isBare && loosest.includes(binds) ? text : `(${text})`;

const condition: fc.Arbitrary<Stated> = fc.letrec<{ condition: Stated }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    simple,
    fc.tuple(tie("condition"), fc.boolean()).map(([inner, isBare]): Stated => ({
      text: `NOT ${within(inner, ["not", "whole"], isBare)}`,
      binds: "not",
      holds: (item) => !inner.holds(item),
    })),
    fc
      .tuple(tie("condition"), tie("condition"), fc.boolean())
      .map(([left, right, isBare]): Stated => ({
        text: `${within(left, ["and", "not", "whole"], isBare)} AND ${within(right, ["and", "not", "whole"], isBare)}`,
        binds: "and",
        holds: (item) => left.holds(item) && right.holds(item),
      })),
    fc
      .tuple(tie("condition"), tie("condition"), fc.boolean())
      .map(([left, right, isBare]): Stated => ({
        text: `${within(left, ["or", "and", "not", "whole"], isBare)} or ${within(right, ["or", "and", "not", "whole"], isBare)}`,
        binds: "or",
        holds: (item) => left.holds(item) || right.holds(item),
      })),
  ),
})).condition;

const toValue = (plain: Plain): AttributeValue =>
  typeof plain === "number" ? { N: String(plain) } : { S: plain };
const toItem = (plain: Item) =>
  Object.fromEntries(
    Object.entries(plain).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, toValue(value)] as const],
    ),
  );
/** The placeholders that a condition's text uses. */
const placeholdersOf = (text: string) => {
  const names = [...new Set(text.match(/#\w+/g))].map((name) => [name, name.slice(1)] as const);
  const values = [...new Set(text.match(/:v\d+/g))].map(
    (token) => [token, toValue(VALUES[Number(token.slice(2))] as Plain)] as const,
  );
  return {
    ...(names.length > 0 ? { ExpressionAttributeNames: Object.fromEntries(names) } : {}),
    ...(values.length > 0 ? { ExpressionAttributeValues: Object.fromEntries(values) } : {}),
  };
};

const client = new SimulatedDynamoDb({ now: () => 0 }).client();

it("judges any condition as it reads", async () => {
  await provisionTable(client);
  const key = { pk: { S: "pk" }, sk: { S: "sk" } };
  await fc.assert(
    fc.asyncProperty(item, condition, async (standing, { text, holds }) => {
      const Item = { ...key, ...toItem(standing) };
      await client.send(new PutItemCommand({ TableName: TABLE_NAME, Item }));
      const outcome = refusalOf(
        client.send(
          new PutItemCommand({
            TableName: TABLE_NAME,
            Item,
            ConditionExpression: text,
            ...placeholdersOf(text),
          }),
        ),
      );
      expect(await outcome, text).toBe(
        holds(standing) ? "accepted" : "ConditionalCheckFailedException",
      );
    }),
    { numRuns: 2_000 },
  );
});

it("finds the sort keys that a query's condition is true of, in their order", async () => {
  await provisionTable(client);
  const text = fc.constantFrom("a", "ab", "b", "B", "1", "10", "é", "\uffff", "😀", "😀a");
  const below = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
  const range = fc.oneof(
    fc
      .tuple(fc.constantFrom(...Object.keys(COMPARISONS).filter((each) => each !== "<>")), text)
      .map(([comparator, bound]) => ({
        text: `sk ${comparator} :x`,
        values: { ":x": bound },
        holds: (sk: string) => COMPARISONS[comparator]?.(below(sk, bound)) === true,
      })),
    text.map((start) => ({
      text: "begins_with(sk, :x)",
      values: { ":x": start },
      holds: (sk: string) => sk.startsWith(start),
    })),
    fc
      .tuple(text, text)
      .map(([a, b]) => (below(a, b) <= 0 ? ([a, b] as const) : ([b, a] as const)))
      .map(([low, high]) => ({
        text: "sk BETWEEN :x AND :y",
        values: { ":x": low, ":y": high },
        holds: (sk: string) => below(sk, low) >= 0 && below(sk, high) <= 0,
      })),
  );
  let partitions = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(text),
      range,
      fc.boolean(),
      fc.integer({ min: 1, max: 4 }),
      async (sks, { text, values, holds }, ScanIndexForward, Limit) => {
        partitions += 1;
        const pk = { S: `partition-${partitions}` };
        for (const sk of sks) {
          await client.send(
            new PutItemCommand({ TableName: TABLE_NAME, Item: { pk, sk: { S: sk } } }),
          );
        }
        const found: (string | undefined)[] = [];
        let ExclusiveStartKey: Record<string, AttributeValue> | undefined;
        do {
          const page = await client.send(
            new QueryCommand({
              TableName: TABLE_NAME,
              KeyConditionExpression: `pk = :pk AND ${text}`,
              ExpressionAttributeValues: { ":pk": pk, ...toItem(values) },
              ScanIndexForward,
              Limit,
              ExclusiveStartKey,
            }),
          );
          found.push(...(page.Items ?? []).map(({ sk }) => sk?.S));
          ExclusiveStartKey = page.LastEvaluatedKey;
        } while (ExclusiveStartKey);
        const expected = sks.filter(holds).toSorted(below);
        expect(found).toEqual(ScanIndexForward ? expected : expected.toReversed());
      },
    ),
    { numRuns: 500 },
  );
});
