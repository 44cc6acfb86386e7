import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  hashOfParts,
  isJobId,
  keyedJobId,
  newJobId,
  shardOf,
} from "../../../../lambdas/core/rules/ids.ts";
import { NOW_MS } from "../../support/a-job.ts";

const randomBytes = fc.uint8Array({ minLength: 10, maxLength: 10 });
const anyTime = fc.integer({ min: 0, max: 2 ** 48 - 1 });
const tenant = fc.stringMatching(/^[A-Za-z0-9_.-]{1,64}$/);
const anyKey = fc.stringMatching(/^[ -~]{1,255}$/);

describe("the id of a new job", () => {
  it("is a ULID as its specification writes it", () => {
    // Time and text of the example at https://github.com/ulid/spec.
    expect(newJobId(1_469_918_176_385, new Uint8Array(10)).slice(0, 14)).toBe("job_01ARYZ6S41");
    expect(newJobId(0, new Uint8Array(10))).toBe(`job_${"0".repeat(26)}`);
    expect(newJobId(2 ** 48 - 1, new Uint8Array(10).fill(255))).toBe(`job_7${"Z".repeat(25)}`);
  });

  it("sorts by its creation", () => {
    fc.assert(
      fc.property(anyTime, anyTime, randomBytes, randomBytes, (timeA, timeB, bytesA, bytesB) => {
        const [a, b] = [newJobId(timeA, bytesA), newJobId(timeB, bytesB)];
        if (timeA !== timeB) expect(a < b).toBe(timeA < timeB);
      }),
    );
  });

  it("differs by any bit of chance", () => {
    fc.assert(
      fc.property(randomBytes, fc.nat(79), (bytes, bit) => {
        const other = Uint8Array.from(bytes);
        other[bit >> 3]! ^= 1 << (bit & 7);
        expect(newJobId(NOW_MS, other)).not.toBe(newJobId(NOW_MS, bytes));
      }),
    );
  });

  it("has the form that is looked up", () => {
    fc.assert(fc.property(anyTime, randomBytes, (time, bytes) => isJobId(newJobId(time, bytes))));
  });
});

describe("the id of a job with an idempotency key", () => {
  it("is the same for the same tenant and key, and has the form that is looked up", () => {
    fc.assert(
      fc.property(tenant, anyKey, (tenantId, idempotencyKey) => {
        const id = keyedJobId(tenantId, idempotencyKey);
        expect(keyedJobId(tenantId, idempotencyKey)).toBe(id);
        expect(isJobId(id)).toBe(true);
      }),
    );
  });

  it.each([
    ["ab", "c", "a", "bc"],
    ["a.b", "c", "a", ".bc"],
    ["a", "b#c", "a#b", "c"],
    ["a", "b:c", "a:b", "c"],
    ["a", "b/c", "a/b", "c"],
    ["a", "b c", "a b", "c"],
    ["a", "A", "A", "a"],
    ["a", "b", "b", "a"],
    ["a", "k", "a", "k "],
  ])("keeps %j with %j and %j with %j apart", (tenantId, key, otherTenantId, otherKey) => {
    expect(keyedJobId(tenantId, key)).not.toBe(keyedJobId(otherTenantId, otherKey));
  });

  it("keeps apart every two ways to cut one text into tenant and key", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Za-z0-9_.-]{3,20}$/), (glued) => {
        const ids = Array.from({ length: glued.length - 1 }, (_, index) =>
          keyedJobId(glued.slice(0, index + 1), glued.slice(index + 1)),
        );
        expect(new Set(ids).size).toBe(ids.length);
      }),
    );
  });
});

describe("the ids of a batch with an idempotency key", () => {
  it("are one for each place in it, and none that a single request reaches", () => {
    const places = Array.from({ length: 100 }, (_, item) => keyedJobId("t1", "k", item));
    const singles = ["k", "k0", "k#0", "0k", "0", "batch"].flatMap((key) => [
      keyedJobId("t1", key),
      keyedJobId("batch", key),
      keyedJobId("0", key),
    ]);
    const ids = [...places, ...singles];
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.every(isJobId)).toBe(true);
    expect(keyedJobId("t1", "k", 7)).toBe(places[7]);
  });

  it("do not run into each other where place, tenant and key would be glued", () => {
    const triple = fc.tuple(
      fc.nat(99),
      fc.stringMatching(/^[01a]{1,3}$/),
      fc.stringMatching(/^[01a]{1,3}$/),
    );
    fc.assert(
      fc.property(triple, triple, ([item, t, k], [otherItem, otherT, otherK]) => {
        const isSame = item === otherItem && t === otherT && k === otherK;
        expect(keyedJobId(t, k, item) === keyedJobId(otherT, otherK, otherItem)).toBe(isSame);
      }),
    );
  });
});

describe("a job id of another form", () => {
  it.each([
    "",
    "job_",
    "job_01ARZ3NDEKTSV4RRFFQ69G5FA", // 25 digits
    "job_01ARZ3NDEKTSV4RRFFQ69G5FAVX", // 27
    "job_81ARZ3NDEKTSV4RRFFQ69G5FAV", // over 128 bits
    "job_01arz3ndektsv4rrffq69g5fav",
    "JOB_01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "job_01ARZ3NDEKTSV4RRFFQ69G5FAI",
    "job_01ARZ3NDEKTSV4RRFFQ69G5FAL",
    "job_01ARZ3NDEKTSV4RRFFQ69G5FAO",
    "job_01ARZ3NDEKTSV4RRFFQ69G5FAU",
    "job_01ARZ3NDEKTSV4RRFFQ69G5FAV\n",
    " job_01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "job_01ARZ3NDEKTSV4RRFFQ69G5FAV?include=payload",
    "job_01ARZ3NDEKTSV4RRFFQ69G5FA\u0661",
  ])("is refused: %j", (text) => {
    expect(isJobId(text)).toBe(false);
  });

  it("is told from the right one by nothing else", () => {
    expect(isJobId("job_01ARZ3NDEKTSV4RRFFQ69G5FAV")).toBe(true);
  });
});

describe("a hash of parts", () => {
  it("depends on where one part ends and the next begins", () => {
    const parts = fc.array(fc.string({ unit: "binary", maxLength: 5 }), { maxLength: 5 });
    fc.assert(
      fc.property(parts, parts, (one, other) => {
        const isSame = JSON.stringify(one) === JSON.stringify(other);
        expect(hashOfParts(...one).equals(hashOfParts(...other))).toBe(isSame);
      }),
    );
    expect(hashOfParts("a", "")).not.toEqual(hashOfParts("a"));
    expect(hashOfParts("a", "")).not.toEqual(hashOfParts("", "a"));
  });

  it("counts a part's length in bytes", () => {
    expect(hashOfParts("é", "a")).toEqual(hashOfParts(Buffer.from("é"), "a"));
    expect(hashOfParts("é", "a")).not.toEqual(hashOfParts("éa"));
  });
});

describe("shards", () => {
  const ids = Array.from({ length: 16_000 }, (_, index) => newJobId(NOW_MS, tenBytesOf(index)));

  it.each([2, 4, 7, 16])("share jobs of one moment evenly among %i", (shards) => {
    const counts = new Map<number, number>();
    for (const id of ids) {
      const shard = shardOf(id, shards);
      counts.set(shard, (counts.get(shard) ?? 0) + 1);
    }
    expect([...counts.keys()].toSorted((a, b) => a - b)).toEqual([...Array(shards).keys()]);
    const fair = ids.length / shards;
    for (const count of counts.values()) expect(Math.abs(count - fair)).toBeLessThan(fair * 0.15);
  });

  it("are one when there is one, and the same at every call", () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: 100 }), (id, shards) => {
        expect(shardOf(id, 1)).toBe(0);
        expect(shardOf(id, shards)).toBe(shardOf(id, shards));
      }),
    );
  });
});

function tenBytesOf(index: number): Uint8Array {
  const bytes = new Uint8Array(10);
  new DataView(bytes.buffer).setUint32(6, index);
  return bytes;
}
